package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.account.Accounts;
import io.tallystick.aggregator.account.CloudAccount;
import io.tallystick.aggregator.agreement.Agreement;
import io.tallystick.aggregator.agreement.Agreements;
import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.enrollment.Invitation;
import io.tallystick.aggregator.enrollment.Invitations;
import io.tallystick.aggregator.entitlement.JoinCodeIssuer;
import io.tallystick.aggregator.portal.pages.JtejoincodesGenerated;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.aggregator.web.Page;
import io.tallystick.aggregator.web.PageRequest;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Role;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.wire.EnrollRequest;
import io.vertx.core.Future;
import io.vertx.ext.web.RoutingContext;
import io.vertx.sqlclient.SqlClient;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** A buyer's one-time codes for VMs at clouds that sign nothing. A new code is shown on the answer to its form, once. */
final class JoinCodePages {
    private static final int ID_CHARS_MAX = 64;

    private final Invitations invitations;
    private final JoinCodeIssuer issuer;
    private final Agreements agreements;
    private final Catalog catalog;
    private final Accounts accounts;
    private final SqlClient reads;
    private final Html html;

    JoinCodePages(
            Invitations invitations,
            JoinCodeIssuer issuer,
            Agreements agreements,
            Catalog catalog,
            Accounts accounts,
            SqlClient reads,
            Html html) {
        this.invitations = invitations;
        this.issuer = issuer;
        this.agreements = agreements;
        this.catalog = catalog;
        this.accounts = accounts;
        this.reads = reads;
        this.html = html;
    }

    List<Route> routes() {
        return List.of(
                Route.get("/portal/join-codes", "joinCodesPage")
                        .page(Role.BUYER)
                        .paged()
                        .query(Html.DONE)
                        .to(ctx -> list(ctx, 200, PageRequest.of(ctx), Optional.empty())),
                Route.post("/portal/join-codes", "createJoinCodeOnPage")
                        .page(Role.BUYER)
                        .to(this::create),
                Route.post("/portal/join-codes/{id}/revoke", "revokeJoinCodeOnPage")
                        .page(Role.BUYER)
                        .to(this::revoke));
    }

    private Future<Void> list(RoutingContext ctx, int status, PageRequest request, Optional<String> made) {
        Caller caller = Requests.caller(ctx);
        return invitations.list(caller, request).compose(found -> openAgreements(caller)
                .compose(open -> products(found, open).compose(products -> cloudAccounts(caller)
                        .compose(owned -> html.send(
                                ctx,
                                status,
                                (output, page) -> JtejoincodesGenerated.render(
                                        output,
                                        null,
                                        page,
                                        found.items(),
                                        open,
                                        products,
                                        owned,
                                        made.orElse(null),
                                        found.nextParameter().orElse(null)))))));
    }

    private Future<List<Agreement>> openAgreements(Caller caller) {
        return agreements
                .list(reads, caller, Optional.empty(), new PageRequest(PageRequest.LIMIT_MAX, null))
                .map(page -> page.items().stream()
                        .map(Agreements.View::agreement)
                        .filter(a -> a.endedAt().isEmpty())
                        .toList());
    }

    private Future<Map<String, Product>> products(Page<Invitation> found, List<Agreement> open) {
        Set<String> ids = new HashSet<>();
        found.items().forEach(i -> ids.add(i.product()));
        open.forEach(a -> ids.add(a.productId()));
        return catalog.byIds(reads, ids).map(all -> all.stream().collect(Collectors.toMap(Product::id, p -> p)));
    }

    private Future<List<String>> cloudAccounts(Caller caller) {
        return accounts.require(reads, caller.account().orElse("")).map(account -> account.cloudAccounts().stream()
                .filter(c -> c.cloud().equals(EnrollRequest.OUTSCALE))
                .map(CloudAccount::accountId)
                .toList());
    }

    private Future<Void> create(RoutingContext ctx) {
        JoinCodeIssuer.Wanted wanted = new JoinCodeIssuer.Wanted(
                Forms.required(ctx, "agreement", ID_CHARS_MAX),
                Forms.optional(ctx, "cloudAccount", ID_CHARS_MAX),
                Forms.parsed(ctx, "uses", JoinCodePages::uses),
                Forms.optional(ctx, "description", Invitation.DESCRIPTION_CHARS_MAX),
                Optional.empty());
        return issuer.issue(Requests.caller(ctx), wanted)
                .compose(issued ->
                        list(ctx, 201, new PageRequest(PageRequest.LIMIT_DEFAULT, null), Optional.of(issued.code())));
    }

    private static int uses(String text) {
        if (text.matches("[0-9]{1,5}")) {
            int uses = Integer.parseInt(text);
            if (uses >= 1 && uses <= Invitation.USES_MAX) {
                return uses;
            }
        }
        throw new IllegalArgumentException("must be a whole number from 1 to " + Invitation.USES_MAX);
    }

    private Future<Void> revoke(RoutingContext ctx) {
        return invitations
                .revoke(Requests.caller(ctx), Requests.path(ctx, "id"))
                .compose(done -> html.redirect(ctx, "/portal/join-codes?done=revoked"));
    }
}
