package io.tallystick.common.jose;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JwkTest {
    /** RFC 8037 appendix A.2. */
    private static final String X = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    private static final Jwk KEY = Jwk.ofBytes(Base64Url.decode(X));

    private static Jwk read(String json) {
        Fields fields = Fields.parse(json.getBytes(StandardCharsets.UTF_8));
        Jwk key = Jwk.read(fields);
        fields.done();
        return key;
    }

    @Test
    void the_thumbprint_is_that_of_rfc_8037_appendix_a_3() {
        assertEquals(
                "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", KEY.thumbprint().toString());
    }

    /** RFC 8037 appendix A.4: the signature over a header that is not ours. */
    @Test
    void the_signature_of_rfc_8037_appendix_a_4_verifies() {
        String input = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        byte[] signature = Base64Url.decode(
                "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
        assertEquals(true, Ed25519.JDK.verify(KEY.bytes(), input.getBytes(StandardCharsets.US_ASCII), signature));
    }

    @Test
    void a_key_is_written_with_three_members_and_read_back() {
        String json = "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" + X + "\"}";
        assertEquals(json, Json.write(KEY.toJson()));
        assertEquals(KEY, read(json));
        assertNotEquals(KEY, Jwk.ofBytes(Edwards25519.encode(java.math.BigInteger.TWO, false)));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"kty\":\"EC\",\"crv\":\"Ed25519\",\"x\":\"X\"}|kty: must be OKP",
                "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"X\"}|crv: must be Ed25519",
                "{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"X\"}|crv: must be Ed25519",
                "{\"kty\":\"okp\",\"crv\":\"ed25519\",\"x\":\"X\"}|kty: must be OKP; crv: must be Ed25519",
                "{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}|x: is missing",
                "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"X=\"}|x: is not canonical base64url without padding",
                "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}|x: must be a canonical Ed25519 public key that is not of"
                        + " low order",
                "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"X\",\"d\":\"secret\"}|d: is not a known field",
                "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"X\",\"alg\":\"EdDSA\",\"use\":\"sig\"}|alg: is not a known field;"
                        + " use: is not a known field"
            })
    void any_other_key_is_refused_and_every_reason_told(String json, String problems) {
        Failure failure = assertThrows(
                Failure.class, () -> read(json.replace("\"X", "\"" + X).replace(X + "25519", "X25519")));
        List<String> told =
                failure.problems().stream().map(Failure.Problem::toString).collect(Collectors.toList());
        assertEquals(List.of(problems.split("; ")), told);
    }

    @Test
    void a_keys_bytes_cannot_be_changed() {
        byte[] bytes = Base64Url.decode(X);
        Jwk key = Jwk.ofBytes(bytes);
        bytes[0] ^= 1;
        key.bytes()[1] ^= 1;
        assertArrayEquals(Base64Url.decode(X), key.bytes());
        assertFalse(key.toString().contains(X), "a key is named by its thumbprint in logs");
    }
}
