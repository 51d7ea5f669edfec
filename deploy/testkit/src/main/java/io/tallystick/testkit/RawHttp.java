package io.tallystick.testkit;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Bytes on a socket, as no HTTP client would send them. */
public final class RawHttp {
    private static final Pattern STATUS = Pattern.compile("HTTP/1\\.[01] (\\d{3}) ");
    /** A server that neither answers nor closes is a failure, never a hung build. */
    private static final int WAIT_MS = 10_000;

    /** A path that no server here has, for requests that must never be seen as one. */
    private static final String HIDDEN = "GET /smuggled HTTP/1.1\r\nHost: {host}\r\n\r\n";

    private RawHttp() {}

    /** All that came back until the server closed. */
    public record Answers(String text) {
        /** The status of each answer, interim ones (1xx) left out. */
        public List<Integer> statuses() {
            List<Integer> statuses = new ArrayList<>();
            Matcher m = STATUS.matcher(text);
            while (m.find()) {
                if (!m.group(1).startsWith("1")) {
                    statuses.add(Integer.parseInt(m.group(1)));
                }
            }
            return statuses;
        }
    }

    /** Sends, leaves the connection open, and reads until the server closes it. {@code {host}} is the server's own name. */
    public static Answers untilClosed(int port, String request) {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(WAIT_MS);
            ByteArrayOutputStream answer = new ByteArrayOutputStream();
            try {
                socket.getOutputStream()
                        .write(request.replace("{host}", "127.0.0.1:" + port).getBytes(StandardCharsets.ISO_8859_1));
                socket.getInputStream().transferTo(answer);
            } catch (SocketException e) {
                // Reset: closed as well. What came before counts.
            }
            return new Answers(answer.toString(StandardCharsets.ISO_8859_1));
        } catch (IOException e) {
            throw new UncheckedIOException("no answer and no end within " + WAIT_MS + " ms to " + request, e);
        }
    }

    /**
     * Requests that two readers could take for different ones, by what is wrong with them; a hidden one stands where a
     * second reader would find it.
     *
     * @param post a path that takes JSON by POST
     */
    public static Map<String, String> ambiguous(String post) {
        String start = "POST " + post + " HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n";
        String chunked = "0\r\n\r\n" + HIDDEN;
        Map<String, String> cases = new LinkedHashMap<>();
        cases.put("length and chunked", start + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked);
        cases.put("chunked and length", start + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + chunked);
        cases.put("two lengths", start + "Content-Length: 2\r\nContent-Length: 60\r\n\r\n{}" + HIDDEN);
        cases.put("the same length twice", start + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}" + HIDDEN);
        for (String length :
                List.of("2, 2", "2,60", "+2", "-2", "0x2", "2 2", "2;", "", "two", "99999999999999999999")) {
            cases.put("length '" + length + "'", start + "Content-Length: " + length + "\r\n\r\n{}" + HIDDEN);
        }
        for (String coding : List.of(
                "xchunked",
                "identity",
                "chunked, identity",
                "identity, chunked",
                "chunked, chunked",
                "gzip",
                "\"chunked\"",
                "chunked;q=1",
                "")) {
            cases.put("coding '" + coding + "'", start + "Transfer-Encoding: " + coding + "\r\n\r\n" + chunked);
        }
        cases.put("coding after a vertical tab", start + "Transfer-Encoding:\u000bchunked\r\n\r\n" + chunked);
        cases.put(
                "coding twice", start + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + chunked);
        cases.put("coding with a space before the colon", start + "Transfer-Encoding : chunked\r\n\r\n" + chunked);
        cases.put("length with a space before the colon", start + "Content-Length : 2\r\n\r\n{}" + HIDDEN);
        cases.put("coding on a folded line", start + "Transfer-Encoding:\r\n chunked\r\n\r\n" + chunked);
        cases.put("a folded header", start + "X: a\r\n\tContent-Length: 2\r\n\r\n" + HIDDEN);
        cases.put("coding in HTTP/1.0", start.replace("1.1", "1.0") + "Transfer-Encoding: chunked\r\n\r\n" + chunked);
        cases.put("a line that ends in LF", start + "X: a\nTransfer-Encoding: chunked\r\n\r\n" + chunked);
        cases.put("lines that end in LF", (start + "Content-Length: 2\r\n\r\n").replace("\r\n", "\n") + "{}" + HIDDEN);
        cases.put("a CR within a header", start + "X: a\rContent-Length: 2\r\n\r\n" + HIDDEN);
        cases.put("a NUL within a header", start + "X: a\0Content-Length: 2\r\n\r\n" + HIDDEN);
        cases.put("a header without a name", start + ": a\r\nContent-Length: 2\r\n\r\n{}" + HIDDEN);
        cases.put("a header without a colon", start + "Content-Length\r\n\r\n" + HIDDEN);
        String body = start + "Transfer-Encoding: chunked\r\n\r\n";
        for (String size : List.of("2;a=b", "2 ", " 2", "0x2", "-2", "+2", "", "g", "FFFFFFFFFFFFFFFFF", "2\n")) {
            cases.put("chunk size '" + size + "'", body + size + "\r\n{}\r\n" + chunked);
        }
        cases.put("a chunk longer than its size", body + "2\r\n{}x\r\n" + chunked);
        cases.put("a chunk that ends in LF", body + "2\n{}\n" + "0\n\n" + HIDDEN);
        cases.put("a trailer", body + "2\r\n{}\r\n0\r\nContent-Length: 60\r\n\r\n" + HIDDEN);
        cases.put("two hosts", "GET /healthz HTTP/1.1\r\nHost: {host}\r\nHost: evil.test\r\n\r\n");
        cases.put("no host", "GET /healthz HTTP/1.1\r\n\r\n");
        for (String line : List.of(
                "GET  /healthz HTTP/1.1",
                "GET /healthz HTTP/1.1 x",
                "GET /healthz",
                "GET /healthz HTTP/2.0",
                "GET /healthz HTTP/1.10",
                "GET /healthz http/1.1",
                "GET\t/healthz\tHTTP/1.1",
                " GET /healthz HTTP/1.1",
                "GET /healthz\u000bHTTP/1.1",
                "G\0T /healthz HTTP/1.1",
                "GET http://evil.test/healthz HTTP/1.1",
                "GET //evil.test/healthz HTTP/1.1",
                "GET healthz HTTP/1.1",
                "CONNECT evil.test:443 HTTP/1.1")) {
            cases.put(
                    "request line '" + line + "'",
                    line + "\r\nHost: {host}\r\n\r\n" + HIDDEN.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
        }
        return cases;
    }
}
