from keras_deid.cli.figures import main

if __name__ == "__main__":
    raise SystemExit(main())
