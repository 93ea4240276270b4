from keras_deid.cli.useful import main

if __name__ == "__main__":
    raise SystemExit(main())
