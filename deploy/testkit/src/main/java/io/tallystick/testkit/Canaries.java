package io.tallystick.testkit;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Secrets that a test plants, found again in texts: as they are, in hexadecimal, base64 or URL encoding, or half of them. */
public final class Canaries {
    /** Half of a secret this long is long enough to be no coincidence. */
    private static final int HALVED_BYTES_MIN = 24;

    private final Map<String, String> secrets = new LinkedHashMap<>();
    private final Map<String, Set<String>> forms = new LinkedHashMap<>();

    /** Looks out for this text from now on, and answers it. */
    public synchronized String plant(String name, String secret) {
        secrets.put(name, secret);
        plant(name, secret.getBytes(StandardCharsets.UTF_8));
        forms(name).add(URLEncoder.encode(secret, StandardCharsets.UTF_8).toLowerCase(Locale.ROOT));
        return secret;
    }

    /** Looks out for these bytes from now on, however they are written. */
    public synchronized void plant(String name, byte[] secret) {
        encodings(name, secret);
        if (secret.length >= HALVED_BYTES_MIN) {
            encodings(name, Arrays.copyOf(secret, secret.length / 2));
            encodings(name, Arrays.copyOfRange(secret, secret.length / 2, secret.length));
        }
    }

    /** The texts planted. */
    public synchronized List<String> texts() {
        return List.copyOf(secrets.values());
    }

    /** The names of the secrets in a text. */
    public synchronized List<String> in(String text) {
        // Case folded throughout: hexadecimal and percent escapes have two, and the rest is long enough without.
        String lower = text.toLowerCase(Locale.ROOT);
        return forms.entrySet().stream()
                .filter(e -> e.getValue().stream().anyMatch(lower::contains))
                .map(Map.Entry::getKey)
                .toList();
    }

    private Set<String> forms(String name) {
        return forms.computeIfAbsent(name, n -> new LinkedHashSet<>());
    }

    private void encodings(String name, byte[] secret) {
        List<String> made = new ArrayList<>();
        made.add(new String(secret, StandardCharsets.ISO_8859_1));
        made.add(HexFormat.of().formatHex(secret));
        for (int before = 0; before < 3; before++) {
            // Within something longer, as a password is in HTTP's and SMTP's base64: all but the characters at the
            // ends,
            // which depend on what stands beside it.
            byte[] shifted = new byte[before + secret.length];
            System.arraycopy(secret, 0, shifted, before, secret.length);
            String base64 = Base64.getEncoder().withoutPadding().encodeToString(shifted);
            String sure = base64.substring(before == 0 ? 0 : before + 1, shifted.length * 8 / 6);
            made.add(sure);
            made.add(sure.replace('+', '-').replace('/', '_'));
            made.add(URLEncoder.encode(sure, StandardCharsets.UTF_8));
        }
        made.forEach(form -> forms(name).add(form.toLowerCase(Locale.ROOT)));
    }
}
