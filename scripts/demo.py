from keras_deid.cli.demo import main

if __name__ == "__main__":
    raise SystemExit(main())
