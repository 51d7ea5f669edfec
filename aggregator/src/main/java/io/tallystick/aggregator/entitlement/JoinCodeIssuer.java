package io.tallystick.aggregator.entitlement;

import io.tallystick.aggregator.account.Account;
import io.tallystick.aggregator.account.Accounts;
import io.tallystick.aggregator.account.CloudAccount;
import io.tallystick.aggregator.agreement.Agreement;
import io.tallystick.aggregator.agreement.Agreements;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.enrollment.Invitations;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.wire.EnrollRequest;
import io.vertx.core.Future;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Whether an account may make a join code, and for which of its accounts at the cloud. */
public final class JoinCodeIssuer {
    /** The longest a code may wait to be used. */
    public static final Duration LASTS_MAX = Duration.ofDays(366);

    public static final Duration LASTS_DEFAULT = Duration.ofDays(7);

    private final Database database;
    private final Agreements agreements;
    private final Accounts accounts;
    private final Invitations invitations;
    private final Clock clock;

    public JoinCodeIssuer(
            Database database, Agreements agreements, Accounts accounts, Invitations invitations, Clock clock) {
        this.database = database;
        this.agreements = agreements;
        this.accounts = accounts;
        this.invitations = invitations;
        this.clock = clock;
    }

    /**
     * What is asked for.
     *
     * @param cloudAccount whose VMs it lets in; may be left out by an account that has one at the cloud
     * @param expiresAt {@link #LASTS_DEFAULT} from now where it is left out
     */
    public record Wanted(
            String agreement,
            Optional<String> cloudAccount,
            int uses,
            Optional<String> description,
            Optional<Instant> expiresAt) {}

    /** A foreign agreement looks missing. */
    public Future<Invitations.Issued> issue(Caller caller, Wanted wanted) {
        Instant now = clock.instant();
        Instant expiresAt = wanted.expiresAt().orElse(now.plus(LASTS_DEFAULT));
        if (!expiresAt.isAfter(now) || expiresAt.isAfter(now.plus(LASTS_MAX))) {
            throw Requests.invalid("expiresAt", "must be after now and within " + LASTS_MAX.toDays() + " days");
        }
        return agreements
                .get(database.reads(), caller, wanted.agreement())
                .map(view -> covering(view.agreement(), now))
                .compose(agreement -> accounts.require(database.reads(), agreement.accountId())
                        .compose(account -> invitations.create(
                                caller.actor(),
                                new Invitations.NewInvitation(
                                        account.id(),
                                        agreement.id(),
                                        agreement.productId(),
                                        EnrollRequest.OUTSCALE,
                                        cloudAccount(account, wanted.cloudAccount()),
                                        wanted.uses(),
                                        wanted.description(),
                                        expiresAt))));
    }

    private static Agreement covering(Agreement agreement, Instant now) {
        if (!agreement.covers(now)) {
            throw Failure.of(ErrorCode.CONFLICT, "the agreement has ended, it lets no VM join");
        }
        return agreement;
    }

    private static String cloudAccount(Account account, Optional<String> named) {
        List<String> own = account.cloudAccounts().stream()
                .filter(c -> c.cloud().equals(EnrollRequest.OUTSCALE))
                .map(CloudAccount::accountId)
                .toList();
        if (named.isPresent() && own.contains(named.get())) {
            return named.get();
        }
        if (named.isEmpty() && own.size() == 1) {
            return own.get(0);
        }
        throw Requests.invalid(
                "cloudAccount",
                own.isEmpty()
                        ? "the buyer has no OUTSCALE account registered"
                        : "must be one of the buyer's OUTSCALE accounts, " + own);
    }
}
