package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.account.Accounts;
import io.tallystick.aggregator.account.Contact;
import io.tallystick.aggregator.audit.Audit;
import io.tallystick.aggregator.audit.AuditEvent;
import io.tallystick.aggregator.db.Columns;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.db.Ids;
import io.tallystick.aggregator.notice.Mail;
import io.tallystick.aggregator.notice.Outbox;
import io.tallystick.aggregator.web.Caller;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.vertx.core.Future;
import io.vertx.sqlclient.SqlClient;
import io.vertx.sqlclient.SqlConnection;
import java.time.Clock;
import java.util.List;

/** The thread between a seller and the operator about a change set, open or ended. What the operator writes is mailed. */
public final class ChangeSetThread {
    private final MessageStore store = new MessageStore();
    private final ChangeSets changeSets;
    private final Accounts accounts;
    private final Outbox outbox;
    private final Database database;
    private final Audit audit;
    private final Ids ids;
    private final Clock clock;

    public ChangeSetThread(
            ChangeSets changeSets,
            Accounts accounts,
            Outbox outbox,
            Database database,
            Audit audit,
            Ids ids,
            Clock clock) {
        this.changeSets = changeSets;
        this.accounts = accounts;
        this.outbox = outbox;
        this.database = database;
        this.audit = audit;
        this.ids = ids;
        this.clock = clock;
    }

    /** Adds to the thread of a change set that the caller may see. */
    public Future<Message> write(Caller caller, String changeSetId, String text) {
        return database.transactor().inTx(tx -> changeSets
                .hold(tx, caller, changeSetId)
                .compose(set -> store.count(tx, changeSetId).compose(before -> {
                    if (before >= Message.PER_SET_MAX) {
                        throw Failure.of(
                                ErrorCode.CONFLICT, "a change set has at most " + Message.PER_SET_MAX + " messages");
                    }
                    Message message = new Message(
                            ids.next("msg"),
                            changeSetId,
                            Message.Author.of(caller),
                            caller.actor(),
                            text,
                            Columns.micros(clock.instant()));
                    return store.insert(tx, message)
                            .compose(done -> mail(tx, set, message))
                            .compose(done -> audit.append(
                                    tx,
                                    new AuditEvent.Change(
                                            caller.actor(), "change-set.message", changeSetId, null, message.json())))
                            .map(message);
                })));
    }

    private Future<Void> mail(SqlConnection tx, ChangeSet set, Message message) {
        if (message.author() != Message.Author.OPERATOR) {
            return Future.succeededFuture();
        }
        return accounts.contacts(tx, List.of(set.accountId()))
                .compose(contacts -> outbox.write(
                        tx, contacts.stream().map(c -> mail(c, set, message)).toList()));
    }

    private static Mail mail(Contact contact, ChangeSet set, Message message) {
        boolean french = contact.language() == Contact.Language.FR;
        String name = set.name().orElse(set.id());
        return new Mail(
                "change-set-message:" + message.id(),
                contact.email(),
                (french ? "L'opérateur vous écrit au sujet de " : "The operator writes about ") + name,
                message.text() + "\n\n" + (french ? "Demande de modification " : "Change set ") + set.id() + "\n");
    }

    /** The whole thread, oldest first. */
    public Future<List<Message>> list(SqlClient db, Caller caller, String changeSetId) {
        return changeSets.get(db, caller, changeSetId).compose(set -> of(db, set));
    }

    /** The thread of a change set that was read for the caller. */
    public Future<List<Message>> of(SqlClient db, ChangeSet set) {
        return store.read(db, set.id());
    }
}
