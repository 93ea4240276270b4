from keras_deid.cli.restore import main

if __name__ == "__main__":
    raise SystemExit(main())
