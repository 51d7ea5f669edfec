package io.tallystick.cloudsim;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The instance metadata service of one VM from a start to the next stop, on its own loopback port: IMDSv2, row by row
 * as marketplace reference 1.1 and A.1 have it, or OUTSCALE's of 1.3. Faults replace the right answer.
 *
 * <p>Order of the checks for AWS: fault, service disabled (403), method (405), then for a token request forwarded (403), dated
 * path (403), TTL (400); for anything else token (401), existence (404).
 */
final class MetadataService implements AutoCloseable {
    private static final String TOKEN_PATH = "/latest/api/token";
    private static final String TOKEN = "X-aws-ec2-metadata-token";
    private static final String TTL = "X-aws-ec2-metadata-token-ttl-seconds";
    private static final Pattern TTL_SYNTAX = Pattern.compile("[0-9]{1,5}");
    private static final String TEXT = "text/plain";
    private static final int HUGE_CHUNK_BYTES = 64 * 1024;

    private final Http http;
    private final Tokens tokens;
    private final Supplier<VmInfo> vm;
    private final Optional<SignedDocument> document;
    private final Faults faults;
    private final ScheduledExecutorService timer;

    /** Binds at once. {@code vm} is asked at each request, so that changed options count from the next one on. */
    MetadataService(
            int port,
            Supplier<VmInfo> vm,
            Optional<SignedDocument> document,
            Tokens tokens,
            Faults faults,
            ScheduledExecutorService timer)
            throws IOException {
        this.vm = vm;
        this.document = document;
        this.tokens = tokens;
        this.faults = faults;
        this.timer = timer;
        this.http = new Http("metadata", port, this::handle);
    }

    int port() {
        return http.port();
    }

    /** Connections are cut and new ones refused, as for a VM that is not there. */
    @Override
    public void close() {
        http.close();
    }

    private void handle(HttpExchange exchange) throws IOException {
        Optional<Fault> hit = faults.next(exchange.getRequestURI().getRawPath());
        if (hit.isEmpty()) {
            answer(exchange);
            return;
        }
        Fault fault = hit.get();
        switch (fault.kind()) {
            case SLOW -> later(fault.delay(), exchange);
            case ERROR, THROTTLE -> text(exchange, fault.status(), "this failure was asked for");
            // Neither answered nor closed: the connection stays open until the service ends.
            case HANG -> {}
            case HUGE -> huge(exchange, fault.bytes());
            case REDIRECT -> {
                exchange.getResponseHeaders().set("Location", fault.text());
                text(exchange, 302, "");
            }
            case REPLACE -> text(exchange, 200, fault.text());
        }
    }

    private void answer(HttpExchange exchange) throws IOException {
        VmInfo now = vm.get();
        String path = exchange.getRequestURI().getRawPath();
        String method = exchange.getRequestMethod();
        if (now.identity().cloud() == Cloud.OUTSCALE) {
            answerOutscale(exchange, MetadataTree.of(now, document).find(path));
            return;
        }
        boolean tokenPath = path.equals(TOKEN_PATH) || MetadataTree.isDatedTokenPath(path);
        if (!now.options().enabled()) {
            text(exchange, 403, "the metadata service is disabled");
        } else if (tokenPath && !method.equals("PUT")) {
            refuseMethod(exchange, "PUT");
        } else if (tokenPath) {
            issue(exchange, path);
        } else if (!method.equals("GET") && !method.equals("HEAD")) {
            refuseMethod(exchange, "GET, HEAD");
        } else {
            read(exchange, now, path);
        }
    }

    /** Plain GET; there is no token, so asking for one finds no such path, and a token sent anyway is not looked at. */
    private static void answerOutscale(HttpExchange exchange, Optional<byte[]> body) throws IOException {
        String method = exchange.getRequestMethod();
        if (body.isEmpty()) {
            text(exchange, 404, "there is no such item");
        } else if (!method.equals("GET") && !method.equals("HEAD")) {
            refuseMethod(exchange, "GET, HEAD");
        } else {
            Http.send(exchange, 200, TEXT, body.get());
        }
    }

    private void issue(HttpExchange exchange, String path) throws IOException {
        Headers headers = exchange.getRequestHeaders();
        List<String> ttls = headers.getOrDefault(TTL, List.of());
        if (headers.containsKey("X-Forwarded-For")) {
            text(exchange, 403, "a forwarded request gets no token");
        } else if (!path.equals(TOKEN_PATH)) {
            text(exchange, 403, "tokens are under " + TOKEN_PATH + " only");
        } else if (ttls.size() != 1 || !isTtl(ttls.get(0))) {
            text(exchange, 400, TTL + " must be from " + Tokens.TTL_SECONDS_MIN + " to " + Tokens.TTL_SECONDS_MAX);
        } else {
            exchange.getResponseHeaders().set(TTL, ttls.get(0));
            text(exchange, 200, tokens.issue(Duration.ofSeconds(Long.parseLong(ttls.get(0)))));
        }
    }

    private void read(HttpExchange exchange, VmInfo now, String path) throws IOException {
        @Nullable String token = exchange.getRequestHeaders().getFirst(TOKEN);
        if (token == null) {
            if (now.options().tokensRequired()) {
                text(exchange, 401, "a token is required");
                return;
            }
        } else {
            OptionalLong left = tokens.secondsLeft(token);
            if (left.isEmpty()) {
                text(exchange, 401, "the token is not valid");
                return;
            }
            exchange.getResponseHeaders().set(TTL, Long.toString(left.getAsLong()));
        }
        Optional<byte[]> body = MetadataTree.of(now, document).find(path);
        if (body.isPresent()) {
            Http.send(exchange, 200, TEXT, body.get());
        } else {
            text(exchange, 404, "there is no such item");
        }
    }

    private static boolean isTtl(String text) {
        if (!TTL_SYNTAX.matcher(text).matches()) {
            return false;
        }
        int seconds = Integer.parseInt(text);
        return seconds >= Tokens.TTL_SECONDS_MIN && seconds <= Tokens.TTL_SECONDS_MAX;
    }

    private void later(Duration delay, HttpExchange exchange) {
        timer.schedule(
                () -> {
                    try {
                        answer(exchange);
                    } catch (IOException e) {
                        // The client went away meanwhile, or the VM was stopped: nobody is left to tell.
                        exchange.close();
                    }
                },
                delay.toMillis(),
                TimeUnit.MILLISECONDS);
    }

    private static void huge(HttpExchange exchange, long bytes) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", TEXT);
        try (exchange) {
            // Length 0 means chunked: the client cannot know beforehand.
            exchange.sendResponseHeaders(200, 0);
            try (OutputStream out = exchange.getResponseBody()) {
                byte[] chunk = "x".repeat(HUGE_CHUNK_BYTES).getBytes(StandardCharsets.US_ASCII);
                for (long left = bytes; left > 0; left -= chunk.length) {
                    out.write(chunk, 0, (int) Math.min(left, chunk.length));
                }
            }
        }
    }

    private static void refuseMethod(HttpExchange exchange, String allowed) throws IOException {
        exchange.getResponseHeaders().set("Allow", allowed);
        text(exchange, 405, "the method is not allowed here");
    }

    private static void text(HttpExchange exchange, int status, String body) throws IOException {
        Http.send(exchange, status, TEXT, body.getBytes(StandardCharsets.UTF_8));
    }
}
