package io.tallystick.agent;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** OUTSCALE's metadata service as it is documented: text by plain GET, 404 for the rest, nothing else than GET. */
final class FakeOutscale implements AutoCloseable {
    private static final String ROOT = "/latest/meta-data/";

    private final HttpServer server;
    private final Map<String, String> texts = new ConcurrentHashMap<>();
    private final List<String> asked = new CopyOnWriteArrayList<>();
    private volatile int putStatus = 405;

    FakeOutscale(String instance) throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::answer);
        server.start();
        set("instance-id", instance);
        set("ami-id", "ami-0a1b2c3d");
        set("instance-type", "tinav5.c2r4p2");
    }

    /** Sets a category of the metadata. */
    void set(String category, String text) {
        texts.put(ROOT + category, text);
    }

    void userData(String text) {
        texts.put("/latest/user-data", text);
    }

    /** What the request for a session token is answered. */
    void putStatus(int status) {
        putStatus = status;
    }

    boolean wasAskedFor(String path) {
        return asked.contains(path);
    }

    URI url() {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            String path = exchange.getRequestURI().getPath();
            asked.add(path);
            String text = exchange.getRequestMethod().equals("GET") ? texts.get(path) : null;
            int status = exchange.getRequestMethod().equals("GET") ? text == null ? 404 : 200 : putStatus;
            byte[] body = (text == null ? "" : text).getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
            exchange.getResponseBody().write(body);
        }
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
