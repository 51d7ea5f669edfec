package io.tallystick.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class CanariesTest {
    private static final String SECRET = "kanarie-4f7+/=Z9qxWv31mT";

    @Test
    void aSecretIsFoundInEachOfItsForms() {
        Canaries canaries = new Canaries();
        canaries.plant("it", SECRET);
        byte[] bytes = SECRET.getBytes(StandardCharsets.UTF_8);
        for (String form : List.of(
                SECRET,
                HexFormat.of().withUpperCase().formatHex(bytes),
                URLEncoder.encode(SECRET, StandardCharsets.UTF_8),
                Base64.getEncoder().encodeToString(bytes),
                SECRET.substring(0, 12),
                SECRET.substring(12))) {
            assertEquals(List.of("it"), canaries.in("before " + form + " after"), form);
        }
        for (String before : List.of("u:", "us:", "use:")) {
            String pair = before + SECRET + "?";
            assertEquals(
                    List.of("it"),
                    canaries.in(Base64.getUrlEncoder().encodeToString(pair.getBytes(StandardCharsets.UTF_8))),
                    pair);
        }
        assertEquals(List.of(), canaries.in("nothing of it: kanarie-4f7"));
    }
}
