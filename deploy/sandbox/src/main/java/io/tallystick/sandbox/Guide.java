package io.tallystick.sandbox;

/** What to try next: commands that work when pasted. */
final class Guide {
    private final Marketplace market;

    Guide(Marketplace market) {
        this.market = market;
    }

    String text() {
        Seed seed = market.seed();
        String agent = market.firstAgent().url().toString();
        String aggregator = market.aggregatorUrl().toString();
        String dir = market.folder().path().toString();
        return """

                The sandbox is running. Its time is %s.
                Addresses, ids and tokens: %s
                Logs: %s

                Look at it, in English or French: %s/portal
                  seller    %s
                  buyer     %s
                  operator  %s
                Mails it sends land in %s

                Ask the agent whether this is an entitled copy:
                  curl -s '%s/v1/entitlement?product=%s&nonce=hello'
                Meter something (decimal strings; the key makes a retry safe):
                  curl -s %s/v1/usage -H 'Content-Type: application/json' -d '{"dimension":"requests","quantity":"42","idempotencyKey":"try-1"}'
                See what the agent has:
                  curl -s %s/v1/status
                Let an hour and its close delay pass, then pull the bill:
                  deploy/bin/sandbox advance PT2H5M --dir %s
                  curl -s '%s/v1/billing/usage?after=0.0' -H 'Accept: application/x-ndjson' -H 'Authorization: Bearer %s'
                As the operator:
                  curl -s %s/v1/enrollments -H 'Authorization: Bearer %s'

                Ctrl-C stops everything; the state stays in %s."""
                .formatted(
                        market.now(),
                        market.folder().file(Endpoints.FILE),
                        market.folder().logs(),
                        aggregator,
                        logIn(seed.sellerLogIn()),
                        logIn(seed.buyerLogIn()),
                        logIn(seed.operatorLogIn()),
                        market.folder().file(Mails.FOLDER),
                        agent,
                        seed.productCode(),
                        agent,
                        agent,
                        dir,
                        aggregator,
                        seed.billingToken(),
                        aggregator,
                        seed.operatorToken(),
                        dir);
    }

    private static String logIn(Seed.LogIn logIn) {
        return logIn.email() + "  " + logIn.password();
    }
}
