package io.tallystick.aggregator.enrollment.evidence;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.EvidenceLevel;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Judges what the metadata service of EC2 serves as {@code instance-identity/rsa2048}: an identity document inside a
 * PKCS #7 structure signed with the RSA-2048 key of the region. Pure, synchronous, thread-safe; a fraction of a millisecond per call.
 *
 * <p>The order matters. The region the document claims is read from unverified content, to choose the pinned key and for
 * nothing else. Once that key has verified the signature, every field is read again from the verified bytes, the region
 * too. The plain document of the metadata service is never a source: it may only equal the signed one.
 *
 * <p>Every refusal is a {@link Failure} {@link ErrorCode#INVALID_EVIDENCE} with the member {@code rule}, see {@link
 * EvidenceRule}. Nothing else is thrown, whatever the bytes.
 */
public final class AwsEvidenceVerifier {
    /** Cap on each input as received. A genuine one has about 1,500 bytes as base64. */
    public static final int INPUT_BYTES_MAX = 16 * 1024;

    private static final String CLOUD = "aws";
    private static final int BER_SEQUENCE = 0x30;
    private static final int CHARS_MAX = 64;
    private static final int PRODUCT_CODES_MAX = 64;

    /** Every key AWS documents. Keys beyond these are ignored: AWS may add some without telling us. */
    private static final Set<String> KNOWN_KEYS = Set.of(
            "accountId",
            "architecture",
            "availabilityZone",
            "billingProducts",
            "devpayProductCodes",
            "imageId",
            "instanceId",
            "instanceType",
            "kernelId",
            "marketplaceProductCodes",
            "pendingTime",
            "privateIp",
            "ramdiskId",
            "region",
            "version");

    private static final Pattern ARMOUR =
            Pattern.compile("-----BEGIN (PKCS7|CMS)-----([^-]*)-----END \\1-----", Pattern.DOTALL);
    private static final Pattern ACCOUNT = Pattern.compile("[0-9]{12}");
    private static final Pattern INSTANCE = Pattern.compile("i-[0-9a-z]{8,32}");
    private static final Pattern IMAGE = Pattern.compile("ami-[0-9a-z]{8,32}");
    private static final Pattern WORD = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]*");

    private final TrustAnchors anchors;

    public AwsEvidenceVerifier(TrustAnchors anchors) {
        this.anchors = anchors;
    }

    /**
     * Verifies one blob.
     *
     * @param pkcs7 base64 text, with or without line breaks and PEM armour, or the DER or BER bytes
     * @param plainDocument the {@code document} of the metadata service if it was sent along; must then be, byte for byte,
     *     the signed one
     */
    public VerifiedIdentity verify(byte[] pkcs7, byte @Nullable [] plainDocument) {
        checkSize("the PKCS #7 structure", pkcs7);
        if (plainDocument != null) {
            checkSize("the plain document", plainDocument);
        }
        SignedDocument signed = SignedDocument.parse(decode(pkcs7));
        byte[] content = signed.unverifiedContent();
        String claimed = claimedRegion(content);
        List<TrustAnchor> pinned = anchors.of(claimed);
        if (pinned.isEmpty()) {
            throw EvidenceRule.UNKNOWN_REGION.broken("there is no trust anchor for the region " + claimed);
        }
        TrustAnchor anchor = signed.signedBy(pinned);
        if (anchor == null) {
            throw EvidenceRule.PINNED_KEY.broken("the signature was not made by the pinned key of " + claimed);
        }
        // From here on the content is verified: its digest stands in attributes that the pinned key signed.
        if (plainDocument != null && !Arrays.equals(plainDocument, content)) {
            throw EvidenceRule.DOCUMENT_DIFFERS.broken(
                    "the plain document is not, byte for byte, the one that was signed");
        }
        return identity(strictJson(content), anchor);
    }

    private static void checkSize(String what, byte[] input) {
        if (input.length == 0 || input.length > INPUT_BYTES_MAX) {
            throw EvidenceRule.SIZE.broken(
                    what + " must have 1 to " + INPUT_BYTES_MAX + " bytes, it has " + input.length);
        }
    }

    /** A BER sequence starts with a byte no base64 text of one starts with, so the forms cannot be confused. */
    private static byte[] decode(byte[] pkcs7) {
        if (pkcs7[0] == BER_SEQUENCE) {
            return pkcs7;
        }
        String text = new String(pkcs7, StandardCharsets.ISO_8859_1).strip();
        Matcher armour = ARMOUR.matcher(text);
        String base64 = armour.matches() ? armour.group(2) : text;
        try {
            return Base64.getDecoder().decode(base64.replaceAll("[ \t\r\n]", ""));
        } catch (IllegalArgumentException e) {
            throw EvidenceRule.ENCODING.broken("the PKCS #7 structure must be base64 text, PEM or BER");
        }
    }

    private static String claimedRegion(byte[] unverified) {
        if (strictJson(unverified).get("region") instanceof String region
                && TrustAnchors.REGION.matcher(region).matches()) {
            return region;
        }
        throw EvidenceRule.UNKNOWN_REGION.broken("the document names no AWS region");
    }

    private static Map<String, Object> strictJson(byte[] content) {
        try {
            return Json.parseObject(content);
        } catch (Failure e) {
            throw EvidenceRule.STRICT_JSON.broken("the document is not strict JSON: " + e.detail());
        }
    }

    /** Reads verified bytes; the region they name has to be the one whose key verified them. */
    static VerifiedIdentity identity(Map<String, Object> document, TrustAnchor anchor) {
        Map<String, Object> known = new LinkedHashMap<>(document);
        known.keySet().retainAll(KNOWN_KEYS);
        Fields f = Fields.of(known);
        String account = f.parsed("accountId", matching(ACCOUNT, "must be 12 digits"), "");
        String instance = f.parsed("instanceId", matching(INSTANCE, "must be an instance id"), "");
        String region = f.parsed("region", matching(TrustAnchors.REGION, "must be a region"), "");
        String image = f.parsed("imageId", matching(IMAGE, "must be an image id"), "");
        String type = f.parsed("instanceType", AwsEvidenceVerifier::word, "");
        String architecture = f.parsed("architecture", AwsEvidenceVerifier::word, "");
        Instant pending = f.instant("pendingTime");
        @Nullable
        String zone =
                f.optionalParsed("availabilityZone", AwsEvidenceVerifier::word).orElse(null);
        List<String> productCodes = words(f, "marketplaceProductCodes");
        // Not used, but a document in which these have another type is not the one AWS documents.
        f.optionalStrings("billingProducts", PRODUCT_CODES_MAX, CHARS_MAX);
        f.optionalStrings("devpayProductCodes", PRODUCT_CODES_MAX, CHARS_MAX);
        f.optionalString("kernelId", CHARS_MAX);
        f.optionalString("ramdiskId", CHARS_MAX);
        f.optionalString("privateIp", CHARS_MAX);
        f.optionalString("version", CHARS_MAX);
        try {
            f.done(ErrorCode.INVALID_EVIDENCE);
        } catch (Failure e) {
            throw EvidenceRule.DOCUMENT_FIELDS.in(e);
        }
        if (!region.equals(anchor.region())) {
            throw EvidenceRule.REGION_MISMATCH.broken(
                    "the document is of " + region + ", the key that signed it of " + anchor.region());
        }
        return new VerifiedIdentity(
                CLOUD,
                account,
                instance,
                region,
                zone,
                image,
                type,
                architecture,
                pending,
                productCodes,
                EvidenceLevel.ATTESTED,
                anchor.expiry(),
                anchor.sha256());
    }

    private static List<String> words(Fields f, String name) {
        List<String> values = f.optionalStrings(name, PRODUCT_CODES_MAX, CHARS_MAX);
        if (!values.stream().allMatch(v -> WORD.matcher(v).matches())) {
            f.problem(name, "must have only letters, digits, dots, dashes and underscores in each element");
        }
        return values;
    }

    private static Function<String, String> matching(Pattern pattern, String otherwise) {
        return text -> {
            if (!pattern.matcher(text).matches()) {
                throw new IllegalArgumentException(otherwise);
            }
            return text;
        };
    }

    private static String word(String text) {
        if (text.length() > CHARS_MAX || !WORD.matcher(text).matches()) {
            throw new IllegalArgumentException(
                    "must be 1 to " + CHARS_MAX + " letters, digits, dots, dashes and underscores");
        }
        return text;
    }
}
