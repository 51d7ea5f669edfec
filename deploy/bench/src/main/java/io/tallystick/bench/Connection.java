package io.tallystick.bench;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * An HTTP/1.1 keep-alive connection that writes requests made before and reads answers, at next to no cost: client and
 * server share the cores. Reads only answers with a Content-Length, which is all the service sends here.
 */
final class Connection implements AutoCloseable {
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
     * Sends a request and reads the whole answer, again at once where it was shed (429); throws for any other status but
     * 200 and 201, with its body.
     */
    void exchange(byte[] request) throws IOException {
        while (isShed(request)) {
            // A service that has just begun takes little at once.
        }
    }

    private boolean isShed(byte[] request) throws IOException {
        out.write(request);
        String status = line();
        int length = 0;
        for (String header = line(); !header.isEmpty(); header = line()) {
            if (header.toLowerCase(Locale.ROOT).startsWith("content-length:")) {
                length = Integer.parseInt(
                        header.substring(header.indexOf(':') + 1).strip());
            }
        }
        byte[] body = in.readNBytes(length);
        if (body.length < length) {
            throw new EOFException("the connection was closed in the middle of an answer");
        }
        if (status.startsWith("HTTP/1.1 429")) {
            return true;
        }
        if (!status.startsWith("HTTP/1.1 200") && !status.startsWith("HTTP/1.1 201")) {
            throw new IOException(status + " " + new String(body, StandardCharsets.UTF_8));
        }
        return false;
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
