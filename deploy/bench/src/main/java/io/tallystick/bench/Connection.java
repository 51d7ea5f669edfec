package io.tallystick.bench;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.locks.LockSupport;

/**
 * An HTTP/1.1 keep-alive connection that writes requests made before and reads answers, at next to no cost: client and
 * server share the cores. Reads only answers with a Content-Length, which is all the service sends here.
 */
final class Connection implements AutoCloseable {
    static final int SHED = 429;

    private static final Duration SHED_PAUSE = Duration.ofMillis(20);
    private static final int BUFFER_BYTES = 64 * 1024;

    private final Socket socket;
    private final OutputStream out;
    private final InputStream in;

    Connection(int port) throws IOException {
        socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setTcpNoDelay(true);
        out = socket.getOutputStream();
        in = new BufferedInputStream(socket.getInputStream(), BUFFER_BYTES);
    }

    /**
     * Sends a request and reads the whole answer, again after a moment where it was shed (429); throws for any other status
     * but 200 and 201, with its body.
     */
    void exchange(byte[] request) throws IOException {
        Answer answer = send(request);
        while (answer.status() == SHED) {
            // A service that has just begun takes little at once. Shorter than it asks for: a bench is no crowd.
            LockSupport.parkNanos(SHED_PAUSE.toNanos());
            answer = send(request);
        }
        if (answer.status() != 200 && answer.status() != 201) {
            throw new IOException(answer.status() + " " + new String(answer.body(), StandardCharsets.UTF_8));
        }
    }

    /** @param retryAfterSeconds how long to stay away, 0 where the answer does not say */
    @SuppressWarnings("ArrayRecordComponent")
    record Answer(int status, long retryAfterSeconds, byte[] body) {}

    /** Sends a request and reads the whole answer, whatever it is. */
    Answer send(byte[] request) throws IOException {
        out.write(request);
        String status = line();
        int length = 0;
        long retryAfter = 0;
        for (String header = line(); !header.isEmpty(); header = line()) {
            if (header.toLowerCase(Locale.ROOT).startsWith("content-length:")) {
                length = Integer.parseInt(
                        header.substring(header.indexOf(':') + 1).strip());
            } else if (header.toLowerCase(Locale.ROOT).startsWith("retry-after:")) {
                retryAfter =
                        Long.parseLong(header.substring(header.indexOf(':') + 1).strip());
            }
        }
        byte[] body = in.readNBytes(length);
        if (body.length < length) {
            throw new EOFException("the connection was closed in the middle of an answer");
        }
        return new Answer(Integer.parseInt(status.split(" ", 3)[1]), retryAfter, body);
    }

    private String line() throws IOException {
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
    public void close() throws IOException {
        socket.close();
    }
}
