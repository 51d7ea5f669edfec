package io.tallystick.aggregator.web;

import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.net.ServerSSLOptions;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Starts and stops the HTTP servers, one per event loop, all on one port. */
public final class WebServer {
    private static final Set<String> TLS_VERSIONS = Set.of("TLSv1.2", "TLSv1.3");

    private final Vertx vertx;
    private final ApiRouter router;
    private final AtomicInteger open = new AtomicInteger();
    private final List<HttpServer> servers = new CopyOnWriteArrayList<>();

    public WebServer(Vertx vertx, ApiRouter router) {
        this.vertx = vertx;
        this.router = router;
    }

    /** Listens without TLS; port 0 takes a free one. Answers the port in use once every instance accepts connections. */
    public Future<Integer> start(String host, int port, int instances) {
        return start(host, port, instances, Optional.empty());
    }

    /** Listens, with TLS where there is a certificate for it. */
    public Future<Integer> start(String host, int port, int instances, Optional<TlsPair> tls) {
        // Vert.x gives each instance its own port for 0, and one shared by all instances for a negative number.
        HttpServerOptions options = options().setHost(host).setPort(port == 0 ? -1 : port);
        tls.ifPresent(pair -> options.setSsl(true)
                .setKeyCertOptions(pair.options())
                .setEnabledSecureTransportProtocols(TLS_VERSIONS)
                // No ALPN: there is nothing to choose beside HTTP/1.1.
                .setUseAlpn(false));
        return vertx.deployVerticle(() -> new ServerVerticle(options), new DeploymentOptions().setInstances(instances))
                .map(id -> servers.get(0).actualPort());
    }

    /** Gives this certificate to connections made from now on; those that are open go on as they are. */
    public Future<Void> useCertificate(TlsPair pair) {
        return Future.all(servers.stream()
                        .map(s -> s.updateSSLOptions(new ServerSSLOptions()
                                .setKeyCertOptions(pair.options())
                                .setEnabledSecureTransportProtocols(TLS_VERSIONS)
                                .setUseAlpn(false)))
                        .toList())
                .mapEmpty();
    }

    /** Connections open by now. */
    public int connections() {
        return open.get();
    }

    /** Accepts no more, lets running requests end, and cuts what is left at the deadline. */
    public Future<Void> stop(Duration deadline) {
        List<Future<Void>> stops = servers.stream()
                .map(s -> s.shutdown(deadline.toMillis(), TimeUnit.MILLISECONDS))
                .toList();
        return Future.join(stops).mapEmpty();
    }

    private static HttpServerOptions options() {
        return new HttpServerOptions()
                .setMaxHeaderSize(HttpLimits.HEADER_BYTES_MAX)
                .setMaxInitialLineLength(HttpLimits.REQUEST_LINE_BYTES_MAX)
                .setIdleTimeout((int) HttpLimits.IDLE_MAX.toSeconds())
                .setIdleTimeoutUnit(TimeUnit.SECONDS)
                .setDecompressionSupported(false)
                .setMaxFormAttributeSize(HttpLimits.FORM_FIELD_BYTES_MAX)
                // The limits above are HTTP/1.1's; a proxy in front may speak what it likes.
                .setHttp2ClearTextEnabled(false);
    }

    private final class ServerVerticle extends VerticleBase {
        private final HttpServerOptions options;

        ServerVerticle(HttpServerOptions options) {
            this.options = options;
        }

        @Override
        public Future<?> start() {
            HttpServer server = vertx.createHttpServer(options)
                    .connectionHandler(connection -> StrictHttp.guard(connection, open))
                    .requestHandler(router.build(vertx))
                    .invalidRequestHandler(router::malformed);
            return server.listen().onSuccess(servers::add);
        }
    }
}
