package io.tallystick.agent.metadata;

import java.util.List;

/**
 * What the metadata service says about this VM. Unverified: it names the state folder's owner and is sent as evidence.
 *
 * @param document the identity document, byte for byte as text
 * @param pkcs7 the RSA-2048 signature with the document inside, base64 text
 * @param productCodes of {@code meta-data/product-codes}
 * @param documentCodes of the document's {@code marketplaceProductCodes}
 */
public record Identity(
        String cloud,
        String account,
        String instance,
        String document,
        String pkcs7,
        List<String> productCodes,
        List<String> documentCodes) {
    public Identity {
        productCodes = List.copyOf(productCodes);
        documentCodes = List.copyOf(documentCodes);
    }

    /** One text that names the VM, kept in the store to notice a copied state. */
    public String key() {
        return cloud + "/" + account + "/" + instance;
    }
}
