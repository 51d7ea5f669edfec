package io.tallystick.agent.metadata;

import io.tallystick.agent.net.HttpReply;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import io.tallystick.common.wire.EnrollRequest;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The EC2 instance metadata service, version 2: a token first. One that ran out is replaced once per reading. */
final class AwsMetadata implements MetadataService {
    private final Link link;
    private @Nullable String token;

    AwsMetadata(Link link) {
        this.link = link;
    }

    @Override
    public Identity read() throws IOException {
        String document = required("/latest/dynamic/instance-identity/document");
        String pkcs7 = required("/latest/dynamic/instance-identity/rsa2048");
        if (document.length() > EnrollRequest.DOCUMENT_CHARS_MAX || pkcs7.length() > EnrollRequest.PKCS7_CHARS_MAX) {
            throw new IOException("the identity document or its signature is larger than the protocol takes");
        }
        List<String> productCodes = Link.productCodes(get("/latest/meta-data/product-codes"));
        Map<String, Object> members = parse(document);
        List<String> documentCodes = new ArrayList<>();
        if (members.get("marketplaceProductCodes") instanceof List<?> list) {
            list.forEach(c -> documentCodes.add(String.valueOf(c)));
        }
        return new Identity(
                EnrollRequest.AWS,
                member(members, "accountId"),
                member(members, "instanceId"),
                new EnrollRequest.SignedDocument(pkcs7, Optional.of(document)),
                productCodes,
                documentCodes,
                Optional.empty());
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
        return Link.text(reply);
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
        return link.get(path, Map.of("X-aws-ec2-metadata-token", t));
    }

    private String newToken() throws IOException {
        HttpReply reply = link.putToken();
        String text = Link.text(reply).strip();
        if (reply.status() != 200 || text.isEmpty() || !text.chars().allMatch(c -> c > 0x20 && c < 0x7f)) {
            throw new IOException("the metadata service answers " + reply.status() + " for a session token");
        }
        return text;
    }
}
