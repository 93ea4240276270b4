from keras_deid.cli.gradcam_report import main

if __name__ == "__main__":
    raise SystemExit(main())
