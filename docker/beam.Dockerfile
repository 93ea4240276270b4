# Workers of Apache Beam with keras_deid, for Dataflow, Flink and Spark. From the root of the repository:
#
#     docker build -f docker/beam.Dockerfile -t REGISTRY/keras-deid-beam .
#
# Build it from the version that starts the pipelines: Beam and Python must be the same on both sides. Copy your own runs
# into it (under the path that --run gets), or use the shipped ones.
FROM apache/beam_python3.11_sdk:2.77.0

# What Beam needs for your storage: gcp, aws, azure, hadoop
ARG STORAGE=gcp

RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgl1 libglib2.0-0 libxcb1 \
    && rm -rf /var/lib/apt/lists/*

COPY . /opt/keras_deid
RUN cd /opt/keras_deid \
    && pip install --no-cache-dir -c constraints-beam.txt '.[beam]' "apache-beam[$STORAGE]"
