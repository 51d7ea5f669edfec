package io.tallystick.agent.enroll;

import io.tallystick.agent.metadata.Identity;
import io.tallystick.agent.net.IssuerKeys;
import io.tallystick.agent.net.Unreachable;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Hash;
import io.tallystick.common.wire.Answer;
import io.tallystick.common.wire.Decision;
import io.tallystick.common.wire.Lease;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** Verifies what the aggregator answers: its signature, that it answers this question, and each lease by itself. */
final class Answers {
    private final IssuerKeys keys;
    private final String issuer;

    /** An answer whose every claim was checked. */
    record Checked(Answer answer, Map<String, Grant> grants) {}

    Answers(IssuerKeys keys, String issuer) {
        this.keys = keys;
        this.issuer = issuer;
    }

    /** A fresh answer to this request. */
    Checked fresh(Jws answer, Hash request, AgentKey key, Identity identity) throws Unreachable {
        try {
            Answer a = Answer.parse(keys.verify(answer).payload());
            if (!a.request().equals(request)) {
                throw Failure.of(ErrorCode.INVALID_JWS, "the answer belongs to another request");
            }
            Map<String, Grant> grants = new LinkedHashMap<>();
            for (Decision d : a.decisions()) {
                Optional<Lease> lease = Optional.empty();
                if (d.lease().isPresent()) {
                    Jws jws = keys.verify(Jws.parseCompact(d.lease().get(), Typ.LEASE));
                    lease = Optional.of(checked(jws, d, a.enrollment(), key, identity));
                }
                grants.put(d.product(), new Grant(d, lease));
            }
            return new Checked(a, grants);
        } catch (Failure e) {
            throw new Unreachable("the aggregator's answer cannot be used: " + e.detail());
        }
    }

    /** An answer kept by an earlier start, verified again with kept keys. Throws {@link Failure}. */
    Checked kept(String compact, AgentKey key, Identity identity) {
        Answer a = Answer.parse(
                keys.verifyOffline(Jws.parseCompact(compact, Typ.ANSWER)).payload());
        Map<String, Grant> grants = new LinkedHashMap<>();
        for (Decision d : a.decisions()) {
            Optional<Lease> lease = d.lease()
                    .map(l -> checked(
                            keys.verifyOffline(Jws.parseCompact(l, Typ.LEASE)), d, a.enrollment(), key, identity));
            grants.put(d.product(), new Grant(d, lease));
        }
        return new Checked(a, grants);
    }

    private Lease checked(Jws verified, Decision d, EnrollmentId enrollment, AgentKey key, Identity identity) {
        Lease lease = Lease.parse(verified.payload());
        must(lease.issuer().equals(issuer), "iss is " + lease.issuer() + ", must be " + issuer);
        must(lease.enrollment().uuid().equals(enrollment.uuid()), "sub must be " + enrollment);
        must(lease.productCode().equals(d.product()), "aud must be " + d.product());
        must(lease.agentKey().equals(key.thumbprint()), "cnf.jkt must be this agent's key");
        must(lease.instance().equals(identity.instance()), "instance must be " + identity.instance());
        must(lease.outcome() == d.outcome(), "decision must be " + d.outcome());
        return lease;
    }

    private static void must(boolean holds, String rule) {
        if (!holds) {
            throw Failure.of(ErrorCode.INVALID_JWS, "lease: " + rule);
        }
    }
}
