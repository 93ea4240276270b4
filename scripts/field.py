from keras_deid.cli.field import main

if __name__ == "__main__":
    raise SystemExit(main())
