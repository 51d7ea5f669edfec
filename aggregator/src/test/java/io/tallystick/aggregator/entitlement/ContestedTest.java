package io.tallystick.aggregator.entitlement;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.usage.ProtocolClient;
import io.tallystick.aggregator.usage.SimulatedRegion;
import io.tallystick.aggregator.web.Role;
import io.tallystick.common.wire.Decision;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A second key for an enrolled instance: refused, until the owner of the VM or an operator decides. */
class ContestedTest {
    @RegisterExtension
    static final RunningAggregator RUNNING = RunningAggregator.with("trust.dir=" + SimulatedRegion.trustFolder());

    private @Nullable ContestedVm made;

    @BeforeEach
    void aVmOfABuyer() {
        made = ContestedVm.of(RUNNING);
    }

    private ContestedVm shop() {
        return Objects.requireNonNull(made);
    }

    @Test
    void theOwnerOfTheVmSeesTheContestedKeyAndApprovesIt() {
        ProtocolClient thief = shop().agent();
        thief.enroll();
        ProtocolClient owner = shop().agent();
        Http.Answer refused = owner.tryEnroll().expect(409);
        assertEquals("contested", refused.get("code"));
        assertEquals(owner.thumbprint().toString(), refused.get("thumbprint"));

        String token = RUNNING.token(Role.BUYER, shop().buyer());
        Http.Answer found = RUNNING.http()
                .get("/v1/enrollments?instance=" + shop().vm().instance(), token)
                .expect(200);
        assertEquals(1, found.list("items").size(), found.text());
        assertEquals(owner.id().toString(), found.list("items").get(0).get("id"));
        Http.Answer seen =
                RUNNING.http().get("/v1/enrollments/" + owner.id(), token).expect(200);
        assertEquals(thief.thumbprint().toString(), seen.get("key"));
        assertEquals(
                List.of(owner.thumbprint().toString()),
                seen.list("contested").stream().map(c -> c.get("thumbprint")).toList());

        shop().approve(token, owner.thumbprint()).expect(200);
        assertEquals(Decision.Outcome.ALLOW, owner.enroll().decisions().get(0).outcome());
        assertEquals(409, thief.tryEnroll().status());
        assertEquals(401, thief.tryLease(99).status());
    }

    @Test
    void anApprovalIsAuditedWithWhoDecidedAndBothKeys() {
        ProtocolClient first = shop().agent();
        first.enroll();
        ProtocolClient second = shop().agent();
        second.tryEnroll().expect(409);
        shop().approve(RUNNING.token(Role.BUYER, shop().buyer()), second.thumbprint())
                .expect(200);
        String event = shop().audited("enrollment.approve").get(0);
        assertTrue(event.startsWith("token:"), event);
        assertTrue(event.contains(first.thumbprint().toString()), event);
        assertTrue(event.contains(second.thumbprint().toString()), event);
    }

    @Test
    void anotherBuyerNeitherSeesNorApproves() {
        ProtocolClient first = shop().agent();
        first.enroll();
        ProtocolClient second = shop().agent();
        second.tryEnroll().expect(409);
        String stranger = RUNNING.token(Role.BUYER, RUNNING.account("buyer"));
        assertEquals(
                404,
                RUNNING.http().get("/v1/enrollments/" + first.id(), stranger).status());
        assertEquals(404, shop().approve(stranger, second.thumbprint()).status());
        Http.Answer list = RUNNING.http().get("/v1/enrollments", stranger).expect(200);
        assertEquals(List.of(), list.list("items"));
        assertEquals(409, second.tryEnroll().status());
    }

    @Test
    void onlyAKeyThatAskedCanBeApproved() {
        ProtocolClient first = shop().agent();
        first.enroll();
        ProtocolClient never = shop().agent();
        assertEquals(404, shop().approve(RUNNING.operator(), never.thumbprint()).status());
        assertEquals(
                400,
                RUNNING.http()
                        .post(
                                "/v1/enrollments/" + first.id() + "/approve",
                                RUNNING.operator(),
                                "{\"thumbprint\":\"x\"}")
                        .status());
        assertEquals(Decision.Outcome.ALLOW, first.lease().decisions().get(0).outcome());
    }
}
