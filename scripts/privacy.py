from keras_deid.cli.privacy import main

if __name__ == "__main__":
    raise SystemExit(main())
