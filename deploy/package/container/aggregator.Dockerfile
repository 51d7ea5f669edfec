# The aggregator in a container. From the checkout, once it is built:
#   docker build -f deploy/package/container/aggregator.Dockerfile -t tallystick-aggregator .
#   docker run --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges -p 8080:8080 \
#     -v /etc/tallystick:/etc/tallystick:ro tallystick-aggregator
# It keeps nothing in its container: all state is in PostgreSQL. Set listen.host = 0.0.0.0 in its configuration, and the
# migration is a container of its own: `… tallystick-aggregator migrate --config /etc/tallystick/aggregator.conf`.
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends openjdk-17-jre-headless ca-certificates && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin tallystick
COPY aggregator/target/app/lib /opt/tallystick-aggregator/lib
COPY deploy/bin/launch.bash deploy/bin/tallystick-aggregator /opt/tallystick-aggregator/bin/
ENV TALLYSTICK_AGGREGATOR_HOME=/opt/tallystick-aggregator
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["/opt/tallystick-aggregator/bin/tallystick-aggregator"]
CMD ["serve", "--config", "/etc/tallystick/aggregator.conf"]
