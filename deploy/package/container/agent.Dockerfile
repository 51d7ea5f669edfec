# The agent in a container, beside the containers of a VM. From the checkout, once it is built:
#   docker build -f deploy/package/container/agent.Dockerfile -t tallystick-agent .
#   docker run --read-only --cap-drop ALL --security-opt no-new-privileges --memory 128m --network host \
#     -v tallystick-agent:/var/lib/tallystick-agent -v /etc/tallystick:/etc/tallystick:ro tallystick-agent
# The state volume is the VM's identity: one VM, one volume, kept for as long as the VM. The VM's own network, as the agent
# listens on its loopback and asks its metadata service.
FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --user-group --home-dir /var/lib/tallystick-agent --no-create-home --shell /usr/sbin/nologin tallystick-agent
COPY deploy/package/target/tallystick-agent-jre_*.deb /tmp/agent.deb
RUN apt-get update && apt-get install -y --no-install-recommends /tmp/agent.deb && rm -rf /tmp/agent.deb /var/lib/apt/lists/*
USER 10001:10001
VOLUME /var/lib/tallystick-agent
HEALTHCHECK --interval=1m --timeout=15s --start-period=30s CMD ["/usr/lib/tallystick-agent/bin/tallystick-agent-health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/tallystick-agent"]
CMD ["run", "--config", "/etc/tallystick/agent.conf"]
