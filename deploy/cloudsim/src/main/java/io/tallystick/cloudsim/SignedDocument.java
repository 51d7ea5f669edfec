package io.tallystick.cloudsim;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The identity document of one start of a VM with its three signatures, as text the way the metadata service serves
 * them. Signed when first asked for, with the pending time as signing time, and the same bytes from then on.
 */
final class SignedDocument {
    private final byte[] content;
    private final Once signature;
    private final Once pkcs7;
    private final Once rsa2048;

    SignedDocument(VmIdentity identity, CloudCa ca) {
        byte[] document = identity.document();
        String region = identity.region();
        content = document;
        signature = new Once(() -> ca.signDetached(region, document));
        pkcs7 = new Once(() -> ca.signPkcs7(region, document, identity.pendingTime()));
        rsa2048 = new Once(() -> ca.signRsa2048(region, document, identity.pendingTime()));
    }

    byte[] content() {
        return content.clone();
    }

    String signature() {
        return signature.base64();
    }

    String pkcs7() {
        return pkcs7.base64();
    }

    String rsa2048() {
        return rsa2048.base64();
    }

    /** Signs at the first call only. */
    private static final class Once {
        private final Supplier<byte[]> sign;
        private @Nullable String text;

        Once(Supplier<byte[]> sign) {
            this.sign = sign;
        }

        synchronized String base64() {
            String made = text;
            if (made == null) {
                made = CloudCa.base64Lines(sign.get());
                text = made;
            }
            return made;
        }
    }
}
