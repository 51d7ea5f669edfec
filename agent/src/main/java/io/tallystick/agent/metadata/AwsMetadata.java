package io.tallystick.agent.metadata;

import io.tallystick.agent.net.HttpClient;
import io.tallystick.agent.net.HttpReply;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import io.tallystick.common.wire.EnrollRequest;
import io.tallystick.common.wire.Wire;
import java.io.IOException;
import java.net.Proxy;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The EC2 instance metadata service, version 2: a token first, never a proxy, never a redirect, short time-outs, small
 * answers. A token that ran out is replaced once per reading.
 */
public final class AwsMetadata {
    /** The link-local address of every EC2 instance. */
    public static final String ADDRESS = "http://169.254.169.254";

    private static final Duration CONNECT = Duration.ofSeconds(2);
    private static final Duration WHOLE = Duration.ofSeconds(5);
    private static final int TOKEN_BYTES_MAX = 4 * 1024;
    private static final int ANSWER_BYTES_MAX = 64 * 1024;
    private static final String TOKEN_SECONDS = "21600";
    private static final String CLOUD = "aws";

    private final String base;
    private final HttpClient http;
    private @Nullable String token;

    /** @param base {@link #ADDRESS}, or another in the sandbox */
    public AwsMetadata(String base) {
        this.base = base;
        this.http = new HttpClient(Proxy.NO_PROXY, null, CONNECT, WHOLE);
    }

    /** Reads everything evidence needs. Throws {@link IOException} with a sentence where the service does not say. */
    public Identity read() throws IOException {
        String document = required("/latest/dynamic/instance-identity/document");
        String pkcs7 = required("/latest/dynamic/instance-identity/rsa2048");
        if (document.length() > EnrollRequest.DOCUMENT_CHARS_MAX || pkcs7.length() > EnrollRequest.PKCS7_CHARS_MAX) {
            throw new IOException("the identity document or its signature is larger than the protocol takes");
        }
        HttpReply codes = get("/latest/meta-data/product-codes");
        List<String> productCodes = new ArrayList<>();
        if (codes.status() == 200) {
            text(codes).lines().map(String::strip).filter(l -> !l.isEmpty()).forEach(productCodes::add);
        } else if (codes.status() != 404) {
            throw new IOException("the metadata service answers " + codes.status() + " for product-codes");
        }
        if (productCodes.size() > Wire.PRODUCT_CODES_MAX
                || productCodes.stream().anyMatch(c -> c.length() > Wire.PRODUCT_CODE_CHARS_MAX)) {
            throw new IOException("the metadata service lists more or longer product codes than the protocol takes");
        }
        Map<String, Object> members = parse(document);
        List<String> documentCodes = new ArrayList<>();
        if (members.get("marketplaceProductCodes") instanceof List<?> list) {
            list.forEach(c -> documentCodes.add(String.valueOf(c)));
        }
        return new Identity(
                CLOUD,
                member(members, "accountId"),
                member(members, "instanceId"),
                document,
                pkcs7,
                productCodes,
                documentCodes);
    }

    /** Whether the metadata service and the signed document name the same product codes. */
    public static boolean codesAgree(Identity identity) {
        return new TreeSet<>(identity.productCodes()).equals(new TreeSet<>(identity.documentCodes()));
    }

    private static Map<String, Object> parse(String document) throws IOException {
        try {
            return Json.parseObject(document);
        } catch (Failure e) {
            throw new IOException("the identity document is not JSON: " + e.detail(), e);
        }
    }

    private static String member(Map<String, Object> members, String name) throws IOException {
        if (members.get(name) instanceof String s && !s.isEmpty() && s.length() <= 64) {
            return s;
        }
        throw new IOException("the identity document has no " + name);
    }

    private String required(String path) throws IOException {
        HttpReply reply = get(path);
        if (reply.status() != 200) {
            throw new IOException("the metadata service answers " + reply.status() + " for " + path);
        }
        return text(reply);
    }

    private HttpReply get(String path) throws IOException {
        HttpReply reply = send(path);
        if (reply.status() == 401) {
            token = null;
            reply = send(path);
        }
        return reply;
    }

    private HttpReply send(String path) throws IOException {
        String t = token;
        if (t == null) {
            t = newToken();
            token = t;
        }
        return http.send("GET", URI.create(base + path), Map.of("X-aws-ec2-metadata-token", t), null, ANSWER_BYTES_MAX);
    }

    private String newToken() throws IOException {
        HttpReply reply = http.send(
                "PUT",
                URI.create(base + "/latest/api/token"),
                Map.of("X-aws-ec2-metadata-token-ttl-seconds", TOKEN_SECONDS),
                new byte[0],
                TOKEN_BYTES_MAX);
        String text = text(reply).strip();
        if (reply.status() != 200 || text.isEmpty() || !text.chars().allMatch(c -> c > 0x20 && c < 0x7f)) {
            throw new IOException("the metadata service answers " + reply.status() + " for a session token");
        }
        return text;
    }

    private static String text(HttpReply reply) {
        return new String(reply.body(), StandardCharsets.UTF_8);
    }
}
