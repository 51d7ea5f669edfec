package io.tallystick.agent.metadata;

import io.tallystick.common.wire.EnrollRequest;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/**
 * What the metadata service says about this VM. Unverified: it names the state folder's owner and is sent as evidence.
 *
 * @param account empty where the metadata service does not know it
 * @param evidence what an enrollment shows; claims have no join code yet
 * @param productCodes of {@code meta-data/product-codes}
 * @param documentCodes of the document's {@code marketplaceProductCodes}; empty where there is no document
 * @param keyTag the VM's tag {@link #KEY_TAG}, where the metadata service gives it
 */
public record Identity(
        String cloud,
        String account,
        String instance,
        EnrollRequest.Evidence evidence,
        List<String> productCodes,
        List<String> documentCodes,
        Optional<String> keyTag) {

    /** By this tag the owner of a VM tells the marketplace, through the cloud's API, which agent is genuine. */
    public static final String KEY_TAG = "tallystick-key";

    public Identity {
        productCodes = List.copyOf(productCodes);
        documentCodes = List.copyOf(documentCodes);
    }

    /** Whether the cloud vouches for it. Where it does not, the aggregator says which products the VM carries. */
    public boolean isSigned() {
        return evidence instanceof EnrollRequest.SignedDocument;
    }

    /** Whether the metadata service and the signed document name the same product codes. */
    public boolean codesAgree() {
        return !isSigned() || new TreeSet<>(productCodes).equals(new TreeSet<>(documentCodes));
    }

    /** One text that names the VM, kept in the store to notice a copied state. */
    public String key() {
        return cloud + "/" + account + "/" + instance;
    }
}
