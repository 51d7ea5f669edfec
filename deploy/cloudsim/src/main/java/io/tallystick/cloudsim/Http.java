package io.tallystick.cloudsim;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/** A loopback HTTP server with its own daemon threads; closing it ends its connections at once. */
final class Http implements AutoCloseable {
    /** Each service answers from memory, so few threads do; a slow answer waits on a timer and not on one of these. */
    private static final int THREADS = 4;

    private static final int BACKLOG = 128;

    static {
        // The JDK's server leaves Nagle's algorithm on, which costs 40 ms per answer. Read once, when it is first used.
        if (System.getProperty("sun.net.httpserver.nodelay") == null) {
            System.setProperty("sun.net.httpserver.nodelay", "true");
        }
    }

    private final HttpServer server;
    private final ExecutorService threads;

    /** Binds 127.0.0.1 at once; port 0 takes a free one. */
    Http(String name, int port, HttpHandler handler) throws IOException {
        server = HttpServer.create(new InetSocketAddress(loopback(), port), BACKLOG);
        AtomicInteger count = new AtomicInteger();
        threads = Executors.newFixedThreadPool(THREADS, r -> {
            Thread thread = new Thread(r, name + "-" + count.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        });
        server.setExecutor(threads);
        server.createContext("/", handler);
        server.start();
    }

    int port() {
        return server.getAddress().getPort();
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }

    /** Looks headers up, whatever the case of their names; absent ones are empty, repeated ones joined by commas. */
    static Function<String, String> header(HttpExchange exchange) {
        return name -> String.join(",", exchange.getRequestHeaders().getOrDefault(name, List.of()));
    }

    /** Ends the exchange with this body, or for a HEAD request with the headers it would have had. */
    static void send(HttpExchange exchange, int status, String contentType, byte[] body) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", contentType);
        try (exchange) {
            if (exchange.getRequestMethod().equals("HEAD")) {
                exchange.getResponseHeaders().set("Content-Length", Integer.toString(body.length));
                exchange.sendResponseHeaders(status, -1);
                return;
            }
            exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
            if (body.length > 0) {
                try (OutputStream out = exchange.getResponseBody()) {
                    out.write(body);
                }
            }
        }
    }

    /** Always 127.0.0.1, also where the JVM prefers IPv6: addresses are written into URLs and files. */
    private static InetAddress loopback() {
        try {
            return InetAddress.getByAddress("localhost", new byte[] {127, 0, 0, 1});
        } catch (UnknownHostException e) {
            throw new UncheckedIOException(e);
        }
    }
}
