package io.tallystick.common.wire;

import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.util.List;
import java.util.Optional;

/**
 * An agent's first words, and its words at each start; the payload of an {@code enroll+jws}. Identity is taken only
 * from the verified bytes inside the evidence; everything else here is a hint.
 *
 * @param cloud {@code aws}
 * @param pkcs7 the cloud's signature with the document inside, as the metadata service gave it (base64 text)
 * @param document the plain document, if the agent has it; must equal the signed one byte for byte
 * @param productCodes what the metadata service's {@code product-codes} said; differing from the signed document is
 *     refused
 * @param agentVersion for the operator's eyes
 */
public record EnrollRequest(
        String cloud, String pkcs7, Optional<String> document, List<String> productCodes, String agentVersion) {
    /** Characters of base64 that a 16 KiB signature can take, with line ends. */
    public static final int PKCS7_CHARS_MAX = 24 * 1024;

    public static final int DOCUMENT_CHARS_MAX = 16 * 1024;
    private static final int VERSION_CHARS_MAX = 64;
    private static final int CLOUD_CHARS_MAX = 16;

    public EnrollRequest {
        productCodes = List.copyOf(productCodes);
    }

    public byte[] toBytes() {
        return Json.writeBytes(Json.object(
                "cloud",
                cloud,
                "evidence",
                Json.object("pkcs7", pkcs7, "document", document.orElse(null)),
                "productCodes",
                productCodes,
                "agentVersion",
                agentVersion));
    }

    public static EnrollRequest parse(byte[] payload) {
        Fields f = Fields.parse(payload);
        String cloud = f.string("cloud", CLOUD_CHARS_MAX);
        if (!cloud.isEmpty() && !cloud.equals("aws")) {
            f.problem("cloud", "must be aws");
        }
        Fields evidence = f.object("evidence");
        String pkcs7 = evidence.string("pkcs7", PKCS7_CHARS_MAX);
        Optional<String> document = evidence.optionalString("document", DOCUMENT_CHARS_MAX);
        List<String> codes = f.optionalStrings("productCodes", Wire.PRODUCT_CODES_MAX, Wire.PRODUCT_CODE_CHARS_MAX);
        String version = f.string("agentVersion", VERSION_CHARS_MAX);
        f.done();
        return new EnrollRequest(cloud, pkcs7, document, codes, version);
    }
}
