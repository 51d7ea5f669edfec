package io.tallystick.aggregator.signing;

import io.tallystick.common.jose.Jwk;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Public keys as {@code /.well-known/jwks.json} lists them (RFC 7517, RFC 8037), written and read. */
public final class KeySet {
    /** Of one document that is read. */
    public static final int KEYS_MAX = 1_000;

    public static final int BYTES_MAX = 256 * 1024;

    private static final int KID_CHARS_MAX = 64;
    private static final String USE = "sig";
    private static final String ALG = "EdDSA";

    private KeySet() {}

    public static Map<String, Object> json(List<SigningKeys.Published> keys) {
        return Json.object("keys", keys.stream().map(KeySet::json).toList());
    }

    public static Map<String, Object> json(SigningKeys.Published key) {
        Map<String, Object> json = new LinkedHashMap<>(key.key().toJson());
        json.put("kid", key.kid());
        json.put("use", USE);
        json.put("alg", ALG);
        return json;
    }

    /**
     * Reads a set, or one key as {@code /v1/keys/{kid}} answers it. Anything else than what this class writes is an {@code
     * invalid-request} that names each problem, also a key under an id that is not its own.
     */
    public static List<SigningKeys.Published> parse(byte[] utf8) {
        Fields document = Fields.parse(utf8);
        List<SigningKeys.Published> keys = document.has("keys")
                ? document.objects("keys", KEYS_MAX).stream().map(KeySet::read).toList()
                : List.of(read(document));
        document.done();
        return keys;
    }

    private static SigningKeys.Published read(Fields fields) {
        int before = fields.problems().size();
        Jwk key = Jwk.read(fields);
        boolean read = fields.problems().size() == before;
        String kid = fields.string("kid", KID_CHARS_MAX);
        if (read && !kid.isEmpty() && !kid.equals(key.thumbprint().toString())) {
            fields.problem("kid", "must be the thumbprint of the key (RFC 7638)");
        }
        expect(fields, "use", USE);
        expect(fields, "alg", ALG);
        return new SigningKeys.Published(kid, key);
    }

    private static void expect(Fields fields, String name, String value) {
        fields.optionalString(name, KID_CHARS_MAX)
                .filter(v -> !v.equals(value))
                .ifPresent(v -> fields.problem(name, "must be " + value));
    }
}
