package io.tallystick.testkit;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;

/**
 * Generated requests, from the plausible to the absurd, framed well so that each has one answer. Everything follows from the
 * seed, which a failure names: {@code -Dtallystick.fuzz.seed=… -Dtallystick.fuzz.requests=…} runs them again, or more.
 */
public final class HttpFuzz {
    /** Among a target's headers, no header: how its forms start. */
    public static final String FORM = ":form";

    /** Requests for each operation in a full run; builds make do with a share. */
    public static final int FULL = 10_000;

    private static final String MULTIPART = "multipart/form-data";
    private static final String BOUNDARY = "fuzz-boundary";
    /** What a part may say of itself. */
    private static final List<String> PART_HEADS = List.of(
            "Content-Type: text/csv",
            "Content-Type: text/plain; charset=none-such",
            "Content-Type: multipart/mixed; boundary=inner",
            "Content-Transfer-Encoding: binary",
            "Content-Transfer-Encoding: base64",
            "Content-Length: 99999999999",
            "Content-Length: x",
            "Content-Disposition: form-data");

    private static final int CONNECTIONS = 8;
    /** No answer within this is a hang. Generous in a build, which shares its machine; a full run says 2000. */
    private static final int ANSWER_MS_MAX = Integer.getInteger("tallystick.fuzz.answer-ms", 20_000);

    private static final int FAILURES_TOLD = 10;

    /**
     * An operation to try.
     *
     * @param path with {@code {name}} where a parameter stands
     * @param mediaType of its body, empty for none
     * @param headers that let a request in, or do not
     */
    public record Target(
            String name,
            String method,
            String path,
            List<String> query,
            String mediaType,
            Function<Random, Map<String, String>> headers) {}

    private final long seed;
    private final int each;
    private final int port;
    private final List<String> words;
    private final Map<String, AtomicInteger> statuses = new ConcurrentHashMap<>();
    private final AtomicLong slowestNanos = new AtomicLong();
    private final List<String> failures = Collections.synchronizedList(new ArrayList<>());

    /**
     * @param share requests for each operation unless the properties say otherwise
     * @param words field names and values that the server knows
     */
    public HttpFuzz(int port, int share, List<String> words) {
        this.seed = Long.getLong("tallystick.fuzz.seed", 20_260_310L);
        this.each = Integer.getInteger("tallystick.fuzz.requests", share);
        this.port = port;
        this.words = List.copyOf(words);
    }

    /** Tries them all; answers what went wrong, with what to do it again. */
    public List<String> run(List<Target> targets) throws InterruptedException {
        System.out.println("fuzz: seed " + seed + ", " + each + " requests for each of " + targets.size()
                + " operations (-Dtallystick.fuzz.seed, -Dtallystick.fuzz.requests=" + FULL + " for all)");
        ExecutorService pool = Executors.newFixedThreadPool(CONNECTIONS);
        try {
            List<Callable<Void>> parts = new ArrayList<>();
            for (int i = 0; i < CONNECTIONS; i++) {
                int part = i;
                parts.add(() -> {
                    try (Client client = new Client(port)) {
                        for (int n = part; n < each; n += CONNECTIONS) {
                            for (Target target : targets) {
                                one(client, target, n);
                            }
                        }
                    }
                    return null;
                });
            }
            for (Future<Void> done : pool.invokeAll(parts)) {
                done.get();
            }
        } catch (ExecutionException e) {
            throw new AssertionError("the fuzzer failed, seed " + seed, e.getCause());
        } finally {
            pool.shutdownNow();
        }
        System.out.println("fuzz: answers by status: " + new TreeMap<>(statuses) + ", the slowest after "
                + TimeUnit.NANOSECONDS.toMillis(slowestNanos.get()) + " ms");
        return List.copyOf(failures);
    }

    private void one(Client client, Target target, int n) {
        Random random = new Random(seed * 31 + target.name().hashCode() * 1_000_003L + n);
        // The first numbers of a seed are alike.
        random.nextLong();
        byte[] request = new Generator(random, words).request(target, port);
        String wrong;
        try {
            long start = System.nanoTime();
            int status = client.exchange(request);
            slowestNanos.accumulateAndGet(System.nanoTime() - start, Math::max);
            statuses.computeIfAbsent(String.valueOf(status), s -> new AtomicInteger())
                    .incrementAndGet();
            wrong = status >= 500 ? "answered " + status : "";
        } catch (SocketTimeoutException e) {
            client.reconnect();
            wrong = "no answer within " + ANSWER_MS_MAX + " ms";
        } catch (IOException e) {
            client.reconnect();
            wrong = "the connection broke: " + e;
        }
        if (!wrong.isEmpty() && failures.size() < FAILURES_TOLD) {
            String text = new String(request, StandardCharsets.ISO_8859_1);
            failures.add(wrong + ": " + target.name() + " number " + n + " of seed " + seed + ":\n"
                    + text.substring(0, Math.min(text.length(), 2000)));
        }
    }

    // --- requests ----------------------------------------------------------------------------------------------------

    private static final class Generator {
        private static final List<String> ODD = List.of(
                "",
                "null",
                "true",
                "-1",
                "0",
                "1e400",
                "-0",
                "NaN",
                "9".repeat(60),
                "0.0000000001",
                "\u0000",
                "\ud83d\ude00",
                "' OR 1=1 --",
                "<script>",
                "${jndi:x}",
                "../../etc/passwd",
                "%00",
                "2026-02-30T25:61:61Z",
                "2026-03-10T09:00:00Z",
                "P1D",
                "PT-1S",
                "EUR",
                "a@b.example",
                "x".repeat(5000),
                "\u202e",
                "\r\nX: y",
                "\\",
                "\"",
                "=1+1");
        private static final int DEPTH_MAX = 40;

        private final Random random;
        private final List<String> words;

        Generator(Random random, List<String> words) {
            this.random = random;
            this.words = words;
        }

        private boolean chance(int percent) {
            return random.nextInt(100) < percent;
        }

        private <T> T any(List<T> of) {
            return of.get(random.nextInt(of.size()));
        }

        byte[] request(Target target, int port) {
            String method = chance(95)
                    ? target.method()
                    : any(List.of("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"));
            Map<String, String> headers = new LinkedHashMap<>(target.headers().apply(random));
            String start = headers.remove(FORM);
            byte[] body =
                    method.equals("GET") && chance(95) || target.mediaType().isEmpty() && chance(90)
                            ? new byte[0]
                            : body(target.mediaType(), start == null || chance(5) ? "x=1" : start);
            StringBuilder head = new StringBuilder(method)
                    .append(' ')
                    .append(path(target))
                    .append(" HTTP/1.1\r\nHost: 127.0.0.1:")
                    .append(port)
                    .append("\r\n");
            headers.forEach((name, value) -> header(head, name, value));
            if (body.length > 0 || chance(10)) {
                String type =
                        target.mediaType() + (target.mediaType().equals(MULTIPART) ? "; boundary=" + BOUNDARY : "");
                header(head, "Content-Type", chance(92) ? type : any(ODD));
                header(head, "Content-Length", String.valueOf(body.length));
            }
            if (chance(5)) {
                header(
                        head,
                        any(List.of(
                                "Accept",
                                "Cookie",
                                "Content-Encoding",
                                "If-None-Match",
                                "Range",
                                "X-Forwarded-For",
                                "Forwarded",
                                "HX-Request",
                                "Accept-Language",
                                "Tallystick-Correlation-Id",
                                "X-Amz-Target")),
                        any(ODD));
            }
            byte[] first = head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1);
            byte[] all = java.util.Arrays.copyOf(first, first.length + body.length);
            System.arraycopy(body, 0, all, first.length, body.length);
            return all;
        }

        private static void header(StringBuilder head, String name, String value) {
            String plain = value.replaceAll("[^ -~]", "?");
            head.append(name)
                    .append(": ")
                    .append(plain, 0, Math.min(plain.length(), 1000))
                    .append("\r\n");
        }

        private String path(Target target) {
            String path = target.path();
            for (int from = path.indexOf('{'); from >= 0; from = path.indexOf('{')) {
                path = path.substring(0, from) + escaped(scalar()) + path.substring(path.indexOf('}', from) + 1);
            }
            StringBuilder query = new StringBuilder();
            for (String name : target.query()) {
                if (chance(40)) {
                    query.append(query.length() == 0 ? '?' : '&')
                            .append(name)
                            .append('=')
                            .append(escaped(scalar()));
                }
            }
            if (chance(5)) {
                query.append(query.length() == 0 ? '?' : '&').append(escaped(scalar()));
            }
            return path + query;
        }

        /** As a path may have it, well escaped or not. */
        private String escaped(String text) {
            StringBuilder out = new StringBuilder();
            for (byte b : text.substring(0, Math.min(text.length(), 300)).getBytes(StandardCharsets.UTF_8)) {
                boolean plain = b > ' ' && b < 0x7f && "\"<>\\^`{|}#%?&/".indexOf(b) < 0;
                out.append(plain ? String.valueOf((char) b) : String.format(Locale.ROOT, "%%%02X", b));
            }
            return chance(97)
                    ? out.toString()
                    : out.append(any(List.of("%zz", "%", "%f", "%c0%ae", ";x", "//", "/..")))
                            .toString();
        }

        private String scalar() {
            return switch (random.nextInt(5)) {
                case 0 -> any(ODD);
                case 1 -> String.valueOf(random.nextInt());
                case 2 -> Long.toString(random.nextLong() & Long.MAX_VALUE, 36);
                default -> any(words);
            };
        }

        private byte[] body(String mediaType, String formStart) {
            String text =
                    switch (mediaType) {
                        case "application/x-www-form-urlencoded" -> form(formStart);
                        case MULTIPART -> parts(formStart);
                        case "application/jose+json" -> jws();
                        default -> chance(3) ? deep() : object(0);
                    };
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            if (chance(15) && bytes.length > 0) {
                for (int i = 0; i <= random.nextInt(4); i++) {
                    bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
                }
            }
            return chance(5) ? java.util.Arrays.copyOf(bytes, random.nextInt(bytes.length + 1)) : bytes;
        }

        private String form(String start) {
            StringBuilder form = new StringBuilder(start);
            for (int i = 0; i < random.nextInt(6); i++) {
                form.append('&').append(escaped(any(words))).append('=').append(escaped(scalar()));
            }
            return form.toString();
        }

        /** Fields and files, now and then with a head or an end that is none. */
        private String parts(String start) {
            String[] first = start.split("=", 2);
            StringBuilder form = new StringBuilder(part("name=\"" + first[0] + "\"", first[first.length - 1]));
            for (int i = 0; i < random.nextInt(5); i++) {
                String name = "name=\"" + any(words) + "\"";
                form.append(part(chance(50) ? name + "; filename=\"" + scalar() + "\"" : name, scalar()));
            }
            return form.append(chance(90) ? "--" + BOUNDARY + "--\r\n" : any(ODD))
                    .toString();
        }

        private String part(String disposition, String content) {
            return "--" + BOUNDARY + "\r\nContent-Disposition: form-data; " + disposition
                    + (chance(20) ? "\r\n" + any(PART_HEADS) : "") + "\r\n\r\n" + content + "\r\n";
        }

        private String jws() {
            String header = "{\"alg\":\"EdDSA\",\"typ\":"
                    + quoted(any(List.of("batch+jws", "enroll+jws", "lease-request+jws", "resume+jws", "x")))
                    + ",\"url\":" + quoted(scalar()) + "," + quoted(any(List.of("kid", "jwk", "crit"))) + ":" + value(0)
                    + "}";
            return "{\"protected\":" + quoted(base64(header)) + ",\"payload\":" + quoted(base64(object(0)))
                    + ",\"signature\":" + quoted(base64("s".repeat(random.nextInt(80))))
                    + (chance(10) ? ",\"header\":{}" : "") + "}";
        }

        private static String base64(String text) {
            return java.util.Base64.getUrlEncoder()
                    .withoutPadding()
                    .encodeToString(text.getBytes(StandardCharsets.UTF_8));
        }

        private String deep() {
            return "[".repeat(random.nextInt(5000)) + "]".repeat(random.nextInt(5000));
        }

        private String object(int depth) {
            StringBuilder object = new StringBuilder("{");
            int members = random.nextInt(7);
            for (int i = 0; i < members; i++) {
                object.append(i == 0 ? "" : ",")
                        .append(quoted(chance(95) ? any(words) : scalar()))
                        .append(':')
                        .append(value(depth + 1));
            }
            return object.append('}').toString();
        }

        private String value(int depth) {
            int kind = random.nextInt(depth > DEPTH_MAX ? 5 : 8);
            return switch (kind) {
                case 0, 1, 2 -> quoted(scalar());
                case 3 ->
                    any(List.of(
                            "null",
                            "true",
                            "false",
                            "0",
                            "-1",
                            "1e9999",
                            "0.1",
                            "9".repeat(70),
                            "12345678901234567890"));
                case 4 -> String.valueOf(random.nextInt(100));
                case 5 -> object(depth);
                case 6 -> "[" + value(depth + 1) + "," + value(depth + 1) + "]";
                default -> "[" + object(depth + 1) + "]";
            };
        }

        private String quoted(String text) {
            StringBuilder out = new StringBuilder("\"");
            text.chars().forEach(c -> {
                if (c < ' ' || c == '"' || c == '\\' || c >= 0xd800 && c < 0xe000) {
                    out.append(String.format(Locale.ROOT, "\\u%04x", c));
                } else {
                    out.append((char) c);
                }
            });
            return out.append('"').toString();
        }
    }

    // --- one connection ----------------------------------------------------------------------------------------------

    private static final class Client implements AutoCloseable {
        private final int port;
        private Socket socket;
        private InputStream in;

        Client(int port) throws IOException {
            this.port = port;
            this.socket = new Socket();
            this.in = InputStream.nullInputStream();
            connect();
        }

        private void connect() throws IOException {
            socket.close();
            socket = new Socket(InetAddress.getLoopbackAddress(), port);
            socket.setTcpNoDelay(true);
            socket.setSoTimeout(ANSWER_MS_MAX);
            in = new BufferedInputStream(socket.getInputStream());
        }

        void reconnect() {
            try {
                connect();
            } catch (IOException e) {
                throw new AssertionError("the server takes no connections any more", e);
            }
        }

        /** The status. A connection that was closed since the last answer is opened anew, once. */
        int exchange(byte[] request) throws IOException {
            String line;
            try {
                socket.getOutputStream().write(request);
                line = line();
            } catch (SocketTimeoutException e) {
                throw e;
            } catch (IOException closed) {
                connect();
                socket.getOutputStream().write(request);
                line = line();
            }
            int status = Integer.parseInt(line.split(" ", 3)[1]);
            long length = -1;
            boolean chunked = false;
            boolean close = false;
            for (String h = line(); !h.isEmpty(); h = line()) {
                String lower = h.toLowerCase(Locale.ROOT);
                if (lower.startsWith("content-length:")) {
                    length = Long.parseLong(
                            h.substring("content-length:".length()).strip());
                }
                chunked |= lower.startsWith("transfer-encoding:");
                close |= lower.equals("connection: close");
            }
            boolean head = request[0] == 'H';
            if (!head && status != 204 && status != 304) {
                if (chunked) {
                    chunks();
                } else if (length >= 0) {
                    in.skipNBytes(length);
                } else {
                    in.transferTo(java.io.OutputStream.nullOutputStream());
                    close = true;
                }
            }
            if (close) {
                connect();
            }
            return status;
        }

        private void chunks() throws IOException {
            for (int size = Integer.parseInt(line(), 16); size > 0; size = Integer.parseInt(line(), 16)) {
                in.skipNBytes(size + 2);
            }
            line();
        }

        private String line() throws IOException {
            ByteArrayOutputStream line = new ByteArrayOutputStream();
            for (int b = in.read(); b != '\n'; b = in.read()) {
                if (b < 0) {
                    throw new EOFException("closed within an answer or before it");
                }
                line.write(b);
            }
            return line.toString(StandardCharsets.ISO_8859_1).strip();
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }
}
