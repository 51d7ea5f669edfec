package io.tallystick.aggregator.enrollment;

import io.tallystick.aggregator.image.CloudVm;
import io.tallystick.common.jose.Jwk;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a cloud's API must show of a VM for its claims to be confirmed. Pure. */
public final class ConfirmationRules {
    /** The tag by which the owner of a VM names the agent's key. Only who may change the VM at the cloud can set it. */
    public static final String KEY_TAG = "tallystick-key";

    private static final String RUNNING = "running";

    /** What was found out; {@code UNKNOWN} when the cloud did not answer, which is neither. */
    enum Outcome {
        CONFIRMED,
        REFUTED,
        UNKNOWN
    }

    /** @param sentence for the audit log and for people */
    record Finding(Outcome outcome, String sentence, Optional<CloudVm> vm) {
        static Finding unknown(String sentence) {
            return new Finding(Outcome.UNKNOWN, sentence, Optional.empty());
        }
    }

    private ConfirmationRules() {}

    static Finding judge(Enrollment enrollment, Optional<CloudVm> shown) {
        if (shown.isEmpty()) {
            return refuted("the cloud shows no VM " + enrollment.instance() + " to the key of account "
                    + enrollment.cloudAccount());
        }
        CloudVm vm = shown.get();
        if (!vm.instanceId().equals(enrollment.instance())) {
            return refuted("the cloud shows another VM, " + vm.instanceId());
        }
        if (!vm.ownerAccount().equals(enrollment.cloudAccount())) {
            return refuted("the VM belongs to account " + vm.ownerAccount() + ", not " + enrollment.cloudAccount());
        }
        if (!vm.state().equals(RUNNING)) {
            return refuted("the VM is " + vm.state() + ", not running");
        }
        if (!vm.productCodes().containsAll(enrollment.productCodes())) {
            return refuted(
                    "the VM carries the product codes " + vm.productCodes() + ", not " + enrollment.productCodes());
        }
        String thumbprint = thumbprint(enrollment.key());
        @Nullable String tag = vm.tags().get(KEY_TAG);
        if (tag == null) {
            return refuted("the VM has no tag " + KEY_TAG + "=" + thumbprint);
        }
        if (!tag.strip().equals(thumbprint)) {
            return refuted("the VM's tag " + KEY_TAG + " names another key than " + thumbprint);
        }
        return new Finding(Outcome.CONFIRMED, "the cloud shows the VM running, with code and tag", shown);
    }

    /** What the owner of a VM whose claims are not enough has to do. */
    public static String remedy(Enrollment enrollment) {
        return "Tag the VM with " + KEY_TAG + "=" + thumbprint(enrollment.key())
                + " at the cloud, and give the marketplace a read-only access key of account "
                + enrollment.cloudAccount() + "; the VM is confirmed within about a minute.";
    }

    private static String thumbprint(Jwk key) {
        return key.thumbprint().toString();
    }

    private static Finding refuted(String sentence) {
        return new Finding(Outcome.REFUTED, sentence, Optional.empty());
    }
}
