package io.tallystick.common.wire;

import io.tallystick.common.jose.Base64Url;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.EnrollmentId;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * An agent's first words, and its words at each start; the payload of an {@code enroll+jws}. Where the cloud signs,
 * identity is taken only from the verified bytes inside the evidence. Where it does not (OUTSCALE), everything is a claim,
 * and the account comes from the join code.
 *
 * @param cloud {@link #AWS}, with {@link SignedDocument}, or {@link #OUTSCALE}, with {@link Claims}
 * @param productCodes what the metadata service's {@code product-codes} said; differing from a signed document is
 *     refused
 * @param agentVersion for the operator's eyes
 * @param copiedFrom the instance whose state this agent found and set aside: a cloned image, a moved disk. A claim
 */
public record EnrollRequest(
        String cloud, Evidence evidence, List<String> productCodes, String agentVersion, Optional<String> copiedFrom) {
    public static final String AWS = "aws";
    public static final String OUTSCALE = "outscale";

    /** Characters of base64 that a 16 KiB signature can take, with line ends. */
    public static final int PKCS7_CHARS_MAX = 24 * 1024;

    public static final int DOCUMENT_CHARS_MAX = 16 * 1024;
    private static final int VERSION_CHARS_MAX = 64;
    private static final int CLOUD_CHARS_MAX = 16;
    private static final int PROOF_CHARS = 86;
    private static final Pattern INSTANCE = Pattern.compile("i-[0-9a-z]{8,32}");
    private static final String AN_INSTANCE = "must be an instance id such as i-0a1b2c3d";
    private static final Pattern IMAGE = Pattern.compile("ami-[0-9a-z]{8,32}");
    private static final Pattern WORD = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");

    /** What an agent can show of who it is. */
    public sealed interface Evidence permits SignedDocument, Claims {}

    /**
     * An identity document the cloud signed.
     *
     * @param pkcs7 the cloud's signature with the document inside, as the metadata service gave it (base64 text)
     * @param document the plain document, if the agent has it; must equal the signed one byte for byte
     */
    public record SignedDocument(String pkcs7, Optional<String> document) implements Evidence {}

    /**
     * What an unsigned metadata service said.
     *
     * @param region where the metadata service says it
     * @param enrollment the enrollment this key already has, from the second start on
     * @param join for the first enrollment: that a join code is known, see {@link JoinCode}
     */
    public record Claims(
            String instance,
            String image,
            String instanceType,
            Optional<String> region,
            Optional<EnrollmentId> enrollment,
            Optional<Join> join)
            implements Evidence {

        /** Whether the metadata service's words have the form the protocol takes. */
        public static boolean areWellFormed(String instance, String image, String instanceType, String region) {
            return INSTANCE.matcher(instance).matches()
                    && IMAGE.matcher(image).matches()
                    && WORD.matcher(instanceType).matches()
                    && (region.isEmpty() || WORD.matcher(region).matches());
        }
    }

    /**
     * That the sender knows a join code, without the code.
     *
     * @param code its id
     * @param proof the code's signature over {@link JoinCode#message}, 64 bytes
     */
    public record Join(String code, byte[] proof) {
        public Join {
            proof = proof.clone();
        }

        @Override
        public byte[] proof() {
            return proof.clone();
        }

        @Override
        public boolean equals(Object o) {
            return o instanceof Join other && code.equals(other.code) && java.util.Arrays.equals(proof, other.proof);
        }

        @Override
        public int hashCode() {
            return code.hashCode();
        }
    }

    public EnrollRequest {
        productCodes = List.copyOf(productCodes);
    }

    /** Of a state that was not copied. */
    public EnrollRequest(String cloud, Evidence evidence, List<String> productCodes, String agentVersion) {
        this(cloud, evidence, productCodes, agentVersion, Optional.empty());
    }

    /** Of a cloud that signs. */
    public EnrollRequest(
            String cloud, String pkcs7, Optional<String> document, List<String> productCodes, String agentVersion) {
        this(cloud, new SignedDocument(pkcs7, document), productCodes, agentVersion);
    }

    public byte[] toBytes() {
        return Json.writeBytes(Json.object(
                "cloud",
                cloud,
                "evidence",
                evidenceJson(),
                "productCodes",
                productCodes,
                "agentVersion",
                agentVersion,
                "copiedFrom",
                copiedFrom.orElse(null)));
    }

    private Map<String, Object> evidenceJson() {
        if (evidence instanceof SignedDocument signed) {
            return Json.object(
                    "pkcs7", signed.pkcs7(), "document", signed.document().orElse(null));
        }
        Claims claims = (Claims) evidence;
        Map<String, Object> json = new LinkedHashMap<>(Json.object(
                "instance", claims.instance(), "image", claims.image(), "instanceType", claims.instanceType()));
        claims.region().ifPresent(r -> json.put("region", r));
        claims.enrollment().ifPresent(e -> json.put("enrollment", e));
        claims.join()
                .ifPresent(j -> json.put("join", Json.object("code", j.code(), "proof", Base64Url.encode(j.proof()))));
        return json;
    }

    public static EnrollRequest parse(byte[] payload) {
        Fields f = Fields.parse(payload);
        String cloud = f.string("cloud", CLOUD_CHARS_MAX);
        if (!cloud.isEmpty() && !cloud.equals(AWS) && !cloud.equals(OUTSCALE)) {
            f.problem("cloud", "must be aws or outscale");
        }
        Fields in = f.object("evidence");
        Evidence evidence = cloud.equals(OUTSCALE) ? claims(in) : signed(in);
        List<String> codes = f.optionalStrings("productCodes", Wire.PRODUCT_CODES_MAX, Wire.PRODUCT_CODE_CHARS_MAX);
        String version = f.string("agentVersion", VERSION_CHARS_MAX);
        Optional<String> copiedFrom = f.optionalParsed("copiedFrom", matching(INSTANCE, AN_INSTANCE));
        f.done();
        return new EnrollRequest(cloud, evidence, codes, version, copiedFrom);
    }

    private static SignedDocument signed(Fields in) {
        return new SignedDocument(
                in.string("pkcs7", PKCS7_CHARS_MAX), in.optionalString("document", DOCUMENT_CHARS_MAX));
    }

    private static Claims claims(Fields in) {
        return new Claims(
                in.parsed("instance", matching(INSTANCE, AN_INSTANCE), ""),
                in.parsed("image", matching(IMAGE, "must be an image id such as ami-0a1b2c3d"), ""),
                in.parsed("instanceType", EnrollRequest::word, ""),
                in.optionalParsed("region", EnrollRequest::word),
                in.optionalParsed("enrollment", EnrollmentId::parse),
                in.optionalObject("join").map(EnrollRequest::join));
    }

    private static Join join(Fields in) {
        return new Join(
                in.parsed("code", matching(JoinCode.ID, "must be the id of a join code"), ""),
                in.parsed("proof", EnrollRequest::proof, new byte[0]));
    }

    private static byte[] proof(String text) {
        if (text.length() != PROOF_CHARS) {
            throw new IllegalArgumentException("must be 64 bytes in base64url");
        }
        return Base64Url.decode(text);
    }

    private static String word(String text) {
        return matching(WORD, "must be 1 to 64 letters, digits, dots, dashes and underscores")
                .apply(text);
    }

    private static Function<String, String> matching(Pattern pattern, String otherwise) {
        return text -> {
            if (!pattern.matcher(text).matches()) {
                throw new IllegalArgumentException(otherwise);
            }
            return text;
        };
    }
}
