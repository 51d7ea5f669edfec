package io.tallystick.agent.metadata;

import io.tallystick.agent.net.HttpClient;
import io.tallystick.agent.net.HttpReply;
import io.tallystick.common.wire.Wire;
import java.io.IOException;
import java.net.Proxy;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The way to a metadata service: never a proxy, never a redirect, short time-outs, small answers. */
final class Link {
    /** The link-local address, of every EC2 instance and every OUTSCALE VM. */
    static final String ADDRESS = "http://169.254.169.254";

    private static final Duration CONNECT = Duration.ofSeconds(2);
    private static final Duration WHOLE = Duration.ofSeconds(5);
    private static final int TOKEN_BYTES_MAX = 4 * 1024;
    private static final int ANSWER_BYTES_MAX = 64 * 1024;
    private static final String TOKEN_SECONDS = "21600";

    private final String base;
    private final HttpClient http = new HttpClient(Proxy.NO_PROXY, null, CONNECT, WHOLE);

    Link(String base) {
        this.base = base;
    }

    HttpReply get(String path, Map<String, String> headers) throws IOException {
        return get(path, headers, ANSWER_BYTES_MAX);
    }

    HttpReply get(String path, Map<String, String> headers, int bytesMax) throws IOException {
        return http.send("GET", URI.create(base + path), headers, null, bytesMax);
    }

    /** Asks for a session token, as only EC2's service knows it. */
    HttpReply putToken() throws IOException {
        return http.send(
                "PUT",
                URI.create(base + "/latest/api/token"),
                Map.of("X-aws-ec2-metadata-token-ttl-seconds", TOKEN_SECONDS),
                new byte[0],
                TOKEN_BYTES_MAX);
    }

    static String text(HttpReply reply) {
        return new String(reply.body(), StandardCharsets.UTF_8);
    }

    /** What {@code product-codes} answered: one a line, none for 404. */
    static List<String> productCodes(HttpReply codes) throws IOException {
        List<String> found = new ArrayList<>();
        if (codes.status() == 200) {
            text(codes).lines().map(String::strip).filter(l -> !l.isEmpty()).forEach(found::add);
        } else if (codes.status() != 404) {
            throw new IOException("the metadata service answers " + codes.status() + " for product-codes");
        }
        if (found.size() > Wire.PRODUCT_CODES_MAX
                || found.stream().anyMatch(c -> c.length() > Wire.PRODUCT_CODE_CHARS_MAX)) {
            throw new IOException("the metadata service lists more or longer product codes than the protocol takes");
        }
        return found;
    }
}
