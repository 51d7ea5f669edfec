package io.tallystick.fuzz;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A server on loopback that says what it was told to, whatever it is asked, and hangs up after each answer. */
final class RawService {
    static final String BETWEEN = "\0\0";

    private static final int BACKLOG = 64;

    private final ServerSocket socket;
    private List<byte[]> answers = List.of();
    private int next;

    private RawService(ServerSocket socket) {
        this.socket = socket;
    }

    static RawService start() {
        try {
            RawService service = new RawService(new ServerSocket(0, BACKLOG, InetAddress.getLoopbackAddress()));
            Thread thread = new Thread(service::serve, "raw-service");
            thread.setDaemon(true);
            thread.start();
            return service;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    String url() {
        return "http://127.0.0.1:" + port();
    }

    int port() {
        return socket.getLocalPort();
    }

    /** From the next question on; the last answer is repeated. */
    synchronized void say(byte[] bytes) {
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        answers = Stream.of(text.split(Pattern.quote(BETWEEN)))
                .map(a -> a.getBytes(StandardCharsets.ISO_8859_1))
                .toList();
        next = 0;
    }

    private synchronized byte[] answer() {
        if (answers.isEmpty()) {
            return new byte[0];
        }
        byte[] answer = answers.get(Math.min(next, answers.size() - 1));
        next++;
        return answer;
    }

    private void serve() {
        while (true) {
            try (Socket client = socket.accept()) {
                if (heard(client.getInputStream())) {
                    client.getOutputStream().write(answer());
                }
            } catch (IOException e) {
                // The client hung up first: the next one asks.
            }
        }
    }

    /** Reads one request: those of the agent have no body. */
    private static boolean heard(InputStream in) throws IOException {
        int ends = 0;
        for (int b = in.read(); b >= 0; b = in.read()) {
            ends = b == '\n' ? ends + 1 : b == '\r' ? ends : 0;
            if (ends == 2) {
                return true;
            }
        }
        return false;
    }
}
