package io.tallystick.chaos;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * One HTTP/1.1 keep-alive connection to a loopback port, opened when first used and again after it broke. Cheap, because
 * client and server share the cores. Reads only answers with a Content-Length. Not thread-safe.
 */
final class Exchange implements AutoCloseable {
    private static final int BUFFER_BYTES = 16 * 1024;
    private static final Duration CONNECT_PATIENCE = Duration.ofSeconds(2);

    private final int port;
    private final int patienceMillis;
    private @org.jspecify.annotations.Nullable Open open;

    private record Open(Socket socket, OutputStream out, InputStream in) {}

    /** An answer; header names are in lower case. */
    record Answer(int status, Map<String, String> headers, byte[] body) {
        String text() {
            return new String(body, StandardCharsets.UTF_8);
        }
    }

    Exchange(int port, Duration patience) {
        this.port = port;
        this.patienceMillis = Math.toIntExact(patience.toMillis());
    }

    /** A POST as bytes, ready to be written. */
    static byte[] post(int port, String path, String contentType, byte[] body) {
        byte[] head = ("POST " + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + port + "\r\nContent-Type: " + contentType
                        + "\r\nContent-Length: " + body.length + "\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII);
        byte[] request = new byte[head.length + body.length];
        System.arraycopy(head, 0, request, 0, head.length);
        System.arraycopy(body, 0, request, head.length, body.length);
        return request;
    }

    /** Sends a request and reads the whole answer. Whatever goes wrong closes the connection; nothing is repeated. */
    Answer send(byte[] request) throws IOException {
        boolean whole = false;
        try {
            Open o = opened();
            o.out().write(request);
            Answer answer = read(o.in());
            whole = !"close".equalsIgnoreCase(answer.headers().get("connection"));
            return answer;
        } finally {
            if (!whole) {
                close();
            }
        }
    }

    private Open opened() throws IOException {
        Open o = open;
        if (o == null) {
            Socket socket = new Socket();
            socket.setTcpNoDelay(true);
            socket.setSoTimeout(patienceMillis);
            try {
                socket.connect(
                        new InetSocketAddress(InetAddress.getLoopbackAddress(), port),
                        Math.toIntExact(CONNECT_PATIENCE.toMillis()));
            } catch (IOException e) {
                socket.close();
                throw e;
            }
            o = new Open(
                    socket, socket.getOutputStream(), new BufferedInputStream(socket.getInputStream(), BUFFER_BYTES));
            open = o;
        }
        return o;
    }

    static Answer read(InputStream in) throws IOException {
        String status = line(in);
        Map<String, String> headers = headers(in);
        byte[] body = in.readNBytes(Integer.parseInt(headers.getOrDefault("content-length", "0")));
        if (body.length < Integer.parseInt(headers.getOrDefault("content-length", "0"))) {
            throw new EOFException("the connection was closed in the middle of an answer");
        }
        return new Answer(Integer.parseInt(status.split(" ", 3)[1]), headers, body);
    }

    /** Reads header lines up to the empty one. */
    static Map<String, String> headers(InputStream in) throws IOException {
        Map<String, String> headers = new TreeMap<>();
        for (String header = line(in); !header.isEmpty(); header = line(in)) {
            int colon = header.indexOf(':');
            headers.put(
                    header.substring(0, colon).toLowerCase(Locale.ROOT),
                    header.substring(colon + 1).strip());
        }
        return headers;
    }

    static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder(64);
        for (int c = in.read(); c != '\n'; c = in.read()) {
            if (c < 0) {
                throw new EOFException("the connection was closed");
            }
            if (c != '\r') {
                line.append((char) c);
            }
        }
        return line.toString();
    }

    @Override
    public void close() {
        Open o = open;
        open = null;
        if (o != null) {
            try {
                o.socket().close();
            } catch (IOException e) {
                // Closed it is.
            }
        }
    }
}
