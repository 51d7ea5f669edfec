package io.tallystick.agent.http;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpContext;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpPrincipal;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** A request that is whole, and its answer, which is sent whole by {@link #close()}. One thread. */
final class Exchange extends HttpExchange {
    private static final Map<Integer, String> REASONS = Map.of(200, "OK", 400, "Bad Request", 404, "Not Found");

    private final RequestReader.Request request;
    private final InetSocketAddress local;
    private final InetSocketAddress remote;
    private final String date;
    private final BiConsumer<byte[], Boolean> send;
    private final Headers answer = new Headers();
    private final ByteArrayOutputStream written = new ByteArrayOutputStream();
    private final Map<String, Object> attributes = new HashMap<>();
    private InputStream in;
    private OutputStream out = written;
    private int status = -1;
    private boolean closed;

    /**
     * @param date for the answer's header
     * @param send takes the answer's bytes, none for a cut, and whether the connection may go on
     */
    Exchange(
            RequestReader.Request request,
            InetSocketAddress local,
            InetSocketAddress remote,
            String date,
            BiConsumer<byte[], Boolean> send) {
        this.request = request;
        this.local = local;
        this.remote = remote;
        this.date = date;
        this.send = send;
        this.in = new ByteArrayInputStream(request.body());
    }

    @Override
    public Headers getRequestHeaders() {
        return request.headers();
    }

    @Override
    public Headers getResponseHeaders() {
        return answer;
    }

    @Override
    public URI getRequestURI() {
        return request.target();
    }

    @Override
    public String getRequestMethod() {
        return request.method();
    }

    @Override
    public HttpContext getHttpContext() {
        throw new UnsupportedOperationException("there are no contexts here");
    }

    @Override
    public InputStream getRequestBody() {
        return in;
    }

    @Override
    public OutputStream getResponseBody() {
        return out;
    }

    /** The length is found, not told. */
    @Override
    public void sendResponseHeaders(int code, long length) throws IOException {
        if (status >= 0) {
            throw new IOException("the head is written already");
        }
        status = code;
    }

    /** Sends the answer; without a status, cuts the connection. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (status < 0) {
            send.accept(new byte[0], false);
            return;
        }
        List<String> connection = answer.getOrDefault("Connection", List.of());
        boolean close =
                connection.stream().anyMatch(v -> v.toLowerCase(Locale.ROOT).equals("close"));
        boolean keep = request.keepAlive() && !close;
        send.accept(bytes(keep), keep);
    }

    private byte[] bytes(boolean keep) {
        StringBuilder head = new StringBuilder(256)
                .append("HTTP/1.1 ")
                .append(status)
                .append(' ')
                .append(REASONS.getOrDefault(status, "-"))
                .append("\r\nDate: ")
                .append(date)
                .append("\r\n");
        answer.forEach((name, values) -> {
            if (!name.equalsIgnoreCase("Connection") && !name.equalsIgnoreCase("Content-Length")) {
                values.forEach(v -> head.append(name).append(": ").append(v).append("\r\n"));
            }
        });
        if (!keep) {
            head.append("Connection: close\r\n");
        }
        if (status != 204 && status != 304) {
            head.append("Content-Length: ").append(written.size()).append("\r\n");
        }
        byte[] start = head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1);
        if (request.method().equals("HEAD") || status == 204 || status == 304) {
            return start;
        }
        byte[] all = java.util.Arrays.copyOf(start, start.length + written.size());
        System.arraycopy(written.toByteArray(), 0, all, start.length, written.size());
        return all;
    }

    @Override
    public InetSocketAddress getRemoteAddress() {
        return remote;
    }

    @Override
    public int getResponseCode() {
        return status;
    }

    @Override
    public InetSocketAddress getLocalAddress() {
        return local;
    }

    @Override
    public String getProtocol() {
        return request.protocol();
    }

    @Override
    public @Nullable Object getAttribute(String name) {
        return attributes.get(name);
    }

    @Override
    public void setAttribute(String name, Object value) {
        attributes.put(name, value);
    }

    @Override
    public void setStreams(InputStream i, OutputStream o) {
        in = i == null ? in : i;
        out = o == null ? out : o;
    }

    @Override
    public @Nullable HttpPrincipal getPrincipal() {
        return null;
    }
}
