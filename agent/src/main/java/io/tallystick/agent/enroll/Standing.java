package io.tallystick.agent.enroll;

import io.tallystick.agent.metadata.Identity;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.wire.Decision;
import io.tallystick.common.wire.MeteringPlan;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Everything known about this instance's entitlement at one moment; immutable. {@link #verdict} is the state table of
 * the agent as one pure function.
 *
 * @param online whether the last contact with the aggregator succeeded
 * @param contest why another key or timeline stands against this one
 * @param refusal what the aggregator refused the enrollment with; unsigned, so a valid lease outweighs it
 * @param retrySeconds when the agent itself will ask again, for {@code retryAfter}
 */
public record Standing(
        Optional<Identity> identity,
        Optional<EnrollmentId> enrollment,
        Map<String, Grant> grants,
        Optional<MeteringPlan> plan,
        boolean answered,
        boolean online,
        Optional<Trouble> contest,
        Optional<Trouble> refusal,
        boolean codesDisagree,
        long retrySeconds) {

    /** A refusal as people are told of it. */
    public record Trouble(String code, String sentence, String remedy, Optional<String> thumbprint) {}

    /** At the start of the process. */
    public static final Standing UNKNOWN = new Standing(
            Optional.empty(),
            Optional.empty(),
            Map.of(),
            Optional.empty(),
            false,
            false,
            Optional.empty(),
            Optional.empty(),
            false,
            1);

    private static final long DENIED_RETRY_SECONDS = Decision.DENIED_RETRY.toSeconds();

    public Standing {
        grants = Map.copyOf(grants);
    }

    /**
     * The product codes the instance carries, in the metadata service's order; empty while discovering. Where the cloud
     * signs nothing they are those the aggregator answered for, empty before it did: what the metadata service says is
     * not what the join code is for.
     */
    public List<String> codes() {
        if (identity.isPresent() && !identity.get().isSigned()) {
            return grants.keySet().stream().sorted().toList();
        }
        return identity.map(Identity::productCodes).orElse(List.of());
    }

    /**
     * The answer for one product.
     *
     * @param wanted empty for the instance's only product; {@link Failure} where it carries several
     * @param now the trusted time, empty if there is none yet: then no lease can be honoured
     */
    public Verdict verdict(Optional<String> wanted, Optional<Instant> now) {
        if (identity.isEmpty()) {
            return Verdict.unknown(
                    State.DISCOVERING, wanted, "The agent is still asking the metadata service who this VM is.", 1);
        }
        Optional<String> product = wanted;
        if (product.isEmpty() && codes().size() > 1) {
            throw Failure.of(
                    ErrorCode.INVALID_REQUEST,
                    List.of(new Failure.Problem(
                            "product", "must name one of " + codes() + " because this instance carries several")));
        }
        if (product.isEmpty() && codes().size() == 1) {
            product = Optional.of(codes().get(0));
        }
        if (contest.isPresent()) {
            return Verdict.deny(State.CONTESTED, product, contest.get(), retrySeconds);
        }
        if (codesDisagree) {
            return Verdict.deny(
                    State.DENIED,
                    product,
                    new Trouble(
                            ErrorCode.INVALID_EVIDENCE.wire(),
                            "The metadata service names other product codes than the signed identity document.",
                            "Run the software on an unmodified VM started from the marketplace's image.",
                            Optional.empty()),
                    DENIED_RETRY_SECONDS);
        }
        Grant grant = product.map(grants::get).orElse(null);
        if (grant != null && grant.lease().isEmpty()) {
            Decision d = grant.decision();
            return Verdict.deny(
                    State.DENIED,
                    product,
                    new Trouble(
                            d.code().orElse(ErrorCode.DENIED.wire()),
                            d.sentence().orElse("This instance is not entitled to the product."),
                            d.remedy().orElse("Ask the seller of the product."),
                            Optional.empty()),
                    DENIED_RETRY_SECONDS);
        }
        if (grant != null && grant.lease().isPresent()) {
            Instant expires = grant.lease().get().expiresAt();
            if (now.isPresent() && now.get().isBefore(expires)) {
                return Verdict.allow(online ? State.ENTITLED : State.OFFLINE_GRACE, product, grant, expires);
            }
        }
        if (refusal.isPresent()) {
            return Verdict.deny(State.DENIED, product, refusal.get(), DENIED_RETRY_SECONDS);
        }
        if (grant == null && answered) {
            return Verdict.deny(State.DENIED, product, notCarried(product), DENIED_RETRY_SECONDS);
        }
        return Verdict.unknown(
                State.ENROLLING,
                product,
                grant == null
                        ? "The aggregator has not answered yet."
                        : "The last lease has ended and the aggregator cannot be reached for a new one.",
                Math.max(1, retrySeconds));
    }

    private static Trouble notCarried(Optional<String> product) {
        return product.map(p -> new Trouble(
                        ErrorCode.UNKNOWN_PRODUCT.wire(),
                        "This instance does not carry the product code " + p + ".",
                        "Start the VM from the image of that product.",
                        Optional.<String>empty()))
                .orElseGet(() -> new Trouble(
                        ErrorCode.NO_PRODUCT_CODE.wire(),
                        "This instance carries no product code.",
                        "Start the VM from the marketplace's image of the product.",
                        Optional.empty()));
    }

    /** One word for the whole instance: its product's state; with several, the best of them. */
    public State state(Optional<Instant> now) {
        if (codes().size() <= 1) {
            return verdict(Optional.empty(), now).state();
        }
        List<State> states =
                codes().stream().map(c -> verdict(Optional.of(c), now).state()).toList();
        for (State s : List.of(State.CONTESTED, State.ENTITLED, State.OFFLINE_GRACE, State.ENROLLING)) {
            if (states.contains(s)) {
                return s;
            }
        }
        return State.DENIED;
    }
}
