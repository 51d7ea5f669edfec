package io.tallystick.aggregator.entitlement;

import io.tallystick.aggregator.app.Http;
import io.tallystick.aggregator.app.RunningAggregator;
import io.tallystick.aggregator.usage.ProtocolClient;
import io.tallystick.aggregator.usage.SimulatedRegion;
import io.tallystick.common.jose.Jws;
import io.tallystick.common.jose.Typ;
import io.tallystick.common.json.Json;
import io.tallystick.common.model.EnrollmentId;
import io.tallystick.common.model.Hash;
import io.tallystick.common.wire.Batch;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** A VM of a buyer who subscribed to a public product, for tests of who may speak for it. */
record ContestedVm(RunningAggregator running, String buyer, String product, ProtocolClient.Vm vm) {
    private static final AtomicInteger ACCOUNTS = new AtomicInteger(500_000);

    /** Launched now. */
    static ContestedVm of(RunningAggregator running) {
        String seller = running.account("seller");
        String buyer = running.account("buyer");
        String account = "%012d".formatted(ACCOUNTS.incrementAndGet());
        running.cloudAccount(buyer, "aws", account);
        String product = running.product(seller, "requests");
        running.visibility(product, "LIMITED", "PUBLIC");
        running.agreement(product, buyer);
        ProtocolClient.Vm vm = SimulatedRegion.vm(account, running.clock().instant(), List.of(running.code(product)));
        return new ContestedVm(running, buyer, product, vm);
    }

    /** An agent with a new key that shows the document of the VM's first start. */
    ProtocolClient agent() {
        return SimulatedRegion.client(running, vm);
    }

    /** An agent with a new key that shows the document of a start at this time. */
    ProtocolClient agent(Instant startedAt) {
        return SimulatedRegion.client(running, vm.restarted(startedAt, vm.type()));
    }

    EnrollmentId id() {
        return EnrollmentId.of("aws", vm.account(), vm.instance());
    }

    /** The audit events of one action on this VM's enrollment, oldest first: actor, before and after. */
    List<String> audited(String action) {
        return audited(action, id());
    }

    /** As above, on another enrollment. */
    List<String> audited(String action, EnrollmentId of) {
        return texts(
                "SELECT concat_ws(' ', actor, before_json, after_json) FROM audit_event WHERE action = ? AND subject ="
                        + " ? ORDER BY seq",
                action,
                of.toString());
    }

    /** How many different incidents of a kind there are on this VM's enrollment. */
    int incidents(String kind) {
        return texts(
                        "SELECT detail FROM incident WHERE kind = ? AND enrollment_id::text = ?",
                        kind,
                        id().uuid().toString())
                .size();
    }

    /** The first quantity of each stored batch, in order. */
    List<String> batches() {
        return texts(
                        "SELECT jws FROM usage_batch WHERE enrollment_id::text = ? ORDER BY epoch, seq",
                        id().uuid().toString())
                .stream()
                .map(jws -> Batch.parse(Jws.parseCompact(jws, Typ.BATCH).payload())
                        .records()
                        .get(0)
                        .quantity()
                        .toString())
                .toList();
    }

    private List<String> texts(String sql, String... values) {
        try (Connection db = running.database().connect();
                PreparedStatement query = db.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) {
                query.setString(i + 1, values[i]);
            }
            List<String> texts = new ArrayList<>();
            ResultSet rows = query.executeQuery();
            while (rows.next()) {
                texts.add(rows.getString(1));
            }
            return texts;
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    Http.Answer approve(String token, Hash thumbprint) {
        return running.http()
                .post("/v1/enrollments/" + id() + "/approve", token, Json.write(Json.object("thumbprint", thumbprint)));
    }
}
