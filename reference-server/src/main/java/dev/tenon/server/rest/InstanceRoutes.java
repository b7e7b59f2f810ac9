package dev.tenon.server.rest;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.tenon.api.Account;
import dev.tenon.api.Change;
import dev.tenon.api.ConflictException;
import dev.tenon.api.Credential;
import dev.tenon.api.Database;
import dev.tenon.api.EngineId;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Grant;
import dev.tenon.api.Instance;
import dev.tenon.api.InstanceFilter;
import dev.tenon.api.InstanceSpec;
import dev.tenon.api.InstanceView;
import dev.tenon.api.Instances;
import dev.tenon.api.Operation;
import dev.tenon.api.OperationView;
import dev.tenon.api.Preview;
import dev.tenon.api.Secret;
import dev.tenon.api.Session;
import dev.tenon.server.http.HttpProblem;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;

/** Instances, and what is in them: accounts, databases, sessions, settings, logs. */
final class InstanceRoutes {
    private static final String ALL = "/v1/tenants/{tenant}/instances";
    private static final String ONE = ALL + "/{instance}";
    private static final Set<String> LIFECYCLES = Set.of(
            "Requested",
            "PendingApproval",
            "Provisioning",
            "Active",
            "Stopped",
            "Frozen",
            "Recycled",
            "Deleted",
            "Failed");

    private record Items<T>(List<T> items) {}

    private record CredentialBody(String user, String password) {}

    private record SettingsBody(Map<String, String> settings) {}

    private record LogsBody(List<String> lines) {}

    private record AccountBody(Optional<String> name, Optional<Set<Grant>> grants) {}

    private record GrantsBody(Optional<Set<Grant>> grants) {}

    private record DatabaseBody(Optional<String> name, Optional<String> owner) {}

    private record Nothing() {}

    /** An operation that makes a password, which is shown here and nowhere later. */
    private record PasswordOperation(OperationView operation, String user, Optional<String> password) {}

    private InstanceRoutes() {}

    static List<Route> all() {
        return List.of(
                Route.get(ALL, "listInstances", "Lists a tenant's instances, newest first", "InstancePage", c -> {
                            InstanceFilter filter = filter(c);
                            c.bytes(c.answers().instances(c.tenant().instances().list(filter, c.page())));
                        })
                        .query("size", "cursor", "lifecycle", "engine", "text", "tag"),
                Route.change("POST", ALL, "createInstance", "Makes an instance", InstanceRoutes::create)
                        .takes("InstanceSpec")
                        .query("preview"),
                Route.post(
                                ALL + ":preview",
                                "previewInstance",
                                "Says what creating an instance would do",
                                200,
                                "Preview",
                                c -> {
                                    Instances instances = c.tenant().instances();
                                    c.answer(200, instances.preview(Changes.spec(c.bodies(), c.object(false))));
                                })
                        .takes("InstanceSpec"),
                Route.get(ONE, "getInstance", "Shows an instance", "Instance", c -> {
                    InstanceView view = c.instance().view();
                    c.answer(200, view, view.version());
                }),
                change("PATCH", ONE, "updateInstance", "UPDATE", "Changes texts, tags and deletion protection")
                        .takes("Update"),
                Route.change("DELETE", ONE, "deleteInstance", "Puts an instance into the recycle bin", c -> {
                            Optional<Duration> retention = Changes.retention(c.query("retention"));
                            apply(c, new Change.Delete(retention));
                        })
                        .query("retention", "preview"),
                action("start", "START", "Starts a stopped instance"),
                action("stop", "STOP", "Stops an instance; it stays stopped"),
                action("restart", "RESTART", "Stops and starts an instance"),
                action("freeze", "FREEZE", "Stops an instance until it is unfrozen"),
                action("unfreeze", "UNFREEZE", "Ends a freeze"),
                action("recover", "RECOVER", "Takes an instance back from the recycle bin"),
                action("purge", "PURGE", "Removes an instance for good"),
                action("resize", "RESIZE", "Changes an instance's size").takes("Resize"),
                action("access", "ACCESS", "Replaces the whitelist").takes("Access"),
                action("parameters", "PARAMETERS", "Changes engine parameters").takes("ParameterChange"),
                change("POST", ONE + "/add-standby", "addStandby", "STANDBY_ADD", "Gives an instance one standby more"),
                change("POST", ONE + "/remove-standby", "removeStandby", "STANDBY_REMOVE", "Takes a standby away")
                        .takes("MemberChange"),
                change("POST", ONE + "/rebuild-standby", "rebuildStandby", "STANDBY_REBUILD", "Makes a standby anew")
                        .takes("MemberChange"),
                change("POST", ONE + "/switchover", "switchover", "SWITCHOVER", "Makes a standby the primary")
                        .takes("MemberChange"),
                change(
                                "POST",
                                ONE + "/failover",
                                "failover",
                                "FAILOVER",
                                "Makes a standby the primary although something may be lost")
                        .takes("FailoverChange"),
                Route.post(ONE + "/preview", "previewChange", "Says what a change would do", 200, "Preview", c -> {
                            Instance instance = c.instance();
                            c.answer(200, instance.preview(Changes.any(c.bodies(), c.object(false))));
                        })
                        .takes("Change"),
                Route.get(
                        ONE + "/explain",
                        "explainInstance",
                        "Says why an instance is in its state",
                        "Explanation",
                        c -> c.answer(200, c.instance().explain())),
                Route.get(
                        ONE + "/credential",
                        "instanceCredential",
                        "Shows the owner's name and password",
                        "Credential",
                        c -> {
                            Credential credential = c.instance().credential();
                            c.ctx().header("Cache-Control", "no-store");
                            c.answer(
                                    200,
                                    new CredentialBody(
                                            credential.user(),
                                            credential.password().reveal(p -> p)));
                        }),
                Route.get(ONE + "/accounts", "listAccounts", "Lists the accounts in an instance", "Accounts", c -> {
                    List<Account> accounts = c.instance().accounts().list();
                    c.answer(200, new Items<>(accounts));
                }),
                Route.post(ONE + "/accounts", "createAccount", "Creates an account", 202, "PasswordOperation", c -> {
                            Instance instance = c.changedInstance();
                            ObjectNode body = c.object(false);
                            Optional<Secret> given = Changes.password(body);
                            AccountBody read = c.bodies().value(body, AccountBody.class);
                            String name = required("name", read.name());
                            Secret password = given.orElseGet(() -> generated(c, name));
                            Operation<Credential> operation = instance.accounts()
                                    .create(
                                            name,
                                            Optional.of(password),
                                            read.grants().orElse(Set.of()));
                            passwordOperation(c, instance, operation.view(), name, given, password);
                        })
                        .takes("NewAccount"),
                Route.change(
                                "PUT",
                                ONE + "/accounts/{account}/grants",
                                "grantAccount",
                                "Gives an account exactly these privileges",
                                c -> {
                                    Instance instance = c.changedInstance();
                                    GrantsBody read = c.body(GrantsBody.class);
                                    Set<Grant> grants = read.grants()
                                            .orElseThrow(() -> HttpProblem.invalid(
                                                    ErrorCode.PRIVILEGE_INVALID, "grants", "is missing"));
                                    accepted(
                                            c,
                                            instance.accounts()
                                                    .grant(c.path("account"), grants)
                                                    .view());
                                })
                        .takes("Grants"),
                Route.post(
                                ONE + "/accounts/{account}/password",
                                "resetPassword",
                                "Gives an account a new password",
                                202,
                                "PasswordOperation",
                                c -> {
                                    Instance instance = c.changedInstance();
                                    ObjectNode body = c.object(true);
                                    Optional<Secret> given = Changes.password(body);
                                    c.bodies().value(body, Nothing.class);
                                    String name = c.path("account");
                                    Secret password = given.orElseGet(() -> generated(c, name));
                                    Operation<Credential> operation =
                                            instance.accounts().resetPassword(name, Optional.of(password));
                                    passwordOperation(c, instance, operation.view(), name, given, password);
                                })
                        .takes("OptionalPassword"),
                Route.change("DELETE", ONE + "/accounts/{account}", "dropAccount", "Drops an account", c -> {
                    Instance instance = c.changedInstance();
                    accepted(c, instance.accounts().drop(c.path("account")).view());
                }),
                Route.get(ONE + "/databases", "listDatabases", "Lists the databases in an instance", "Databases", c -> {
                    List<Database> databases = c.instance().databases().list();
                    c.answer(200, new Items<>(databases));
                }),
                Route.change("POST", ONE + "/databases", "createDatabase", "Creates a database", c -> {
                            Instance instance = c.changedInstance();
                            DatabaseBody read = c.body(DatabaseBody.class);
                            String name = required("name", read.name());
                            String owner = read.owner()
                                    .orElseGet(() -> instance.view().spec().owner());
                            accepted(c, instance.databases().create(name, owner).view());
                        })
                        .takes("NewDatabase"),
                Route.change("DELETE", ONE + "/databases/{database}", "dropDatabase", "Drops a database", c -> {
                    Instance instance = c.changedInstance();
                    accepted(c, instance.databases().drop(c.path("database")).view());
                }),
                Route.get(ONE + "/sessions", "listSessions", "Lists client sessions", "Sessions", c -> {
                    List<Session> sessions = c.instance().sessions().list();
                    c.answer(200, new Items<>(sessions));
                }),
                Route.silent("DELETE", ONE + "/sessions/{session}", "terminateSession", "Ends a client session", c -> {
                    Instance instance = c.instance();
                    if (!c.path("session").matches("\\d{1,18}")) {
                        throw HttpProblem.invalid(ErrorCode.ID_INVALID, "session", "expected a session's number");
                    }
                    instance.sessions().terminate(Long.parseLong(c.path("session")));
                    c.ctx().status(204);
                }),
                Route.get(
                        ONE + "/settings",
                        "instanceSettings",
                        "Shows all settings in force",
                        "Settings",
                        c -> c.answer(
                                200, new SettingsBody(new TreeMap<>(c.instance().settings())))),
                Route.get(ONE + "/logs", "instanceLogs", "Shows the last lines of the servers' output", "Logs", c -> {
                            Instance instance = c.instance();
                            c.answer(200, new LogsBody(instance.logs(c.number("lines", 200, 1, 10_000))));
                        })
                        .query("lines"));
    }

    private static Route action(String word, String kind, String summary) {
        return change("POST", ONE + "/" + word, word + "Instance", kind, summary);
    }

    private static Route change(String method, String path, String id, String kind, String summary) {
        return Route.change(method, path, id, summary, c -> apply(c, Changes.read(kind, c.bodies(), c.object(true))))
                .query("preview");
    }

    private static void create(Call c) {
        Instances instances = c.changer().tenant(c.path("tenant")).instances();
        InstanceSpec spec = Changes.spec(c.bodies(), c.object(false));
        Optional<String> digest = c.query("preview");
        Operation<Instance> operation = digest.isPresent()
                ? instances.create(previewed(new Change.Create(spec), Optional.empty(), digest.get()), spec.password())
                : instances.create(spec);
        accepted(c, operation.view());
    }

    private static void apply(Call c, Change change) {
        Instance instance = c.changedInstance();
        Optional<String> digest = c.query("preview");
        OptionalLong version = c.ifMatch();
        Operation<Instance> operation;
        if (digest.isPresent()) {
            if (version.isPresent() && instance.view().version() != version.getAsLong()) {
                throw new ConflictException(ErrorCode.VERSION_CONFLICT, "the instance has changed since this version");
            }
            operation = instance.apply(previewed(change, Optional.of(instance), digest.get()));
        } else if (version.isPresent()) {
            operation = instance.apply(change, version.getAsLong());
        } else {
            operation = instance.apply(change);
        }
        accepted(c, operation.view());
    }

    /** The caller brings only the digest back, which stands for the rest; the control plane computes the rest anew. */
    private static Preview previewed(Change change, Optional<Instance> instance, String digest) {
        return Preview.builder()
                .change(change)
                .instance(instance.map(Instance::id))
                .restart(false)
                .needsApproval(false)
                .digest(digest)
                .build();
    }

    private static Secret generated(Call c, String account) {
        return c.repeatablePassword(account)
                .map(Secret::of)
                .orElseGet(() -> c.auth().users().generate());
    }

    private static void passwordOperation(
            Call c, Instance instance, OperationView view, String user, Optional<Secret> given, Secret password) {
        location(c, view);
        c.ctx().header("Cache-Control", "no-store");
        Optional<String> shown = given.isPresent() ? Optional.empty() : Optional.of(password.reveal(p -> p));
        c.answer(202, new PasswordOperation(view, user, shown));
    }

    private static void accepted(Call c, OperationView view) {
        location(c, view);
        c.answer(202, view);
    }

    private static void location(Call c, OperationView view) {
        c.ctx().header("Location", "/v1/tenants/" + view.tenant() + "/operations/" + view.id());
    }

    private static String required(String field, Optional<String> value) {
        return value.orElseThrow(() -> HttpProblem.invalid(ErrorCode.NAME_INVALID, field, "is missing"));
    }

    private static InstanceFilter filter(Call c) {
        Optional<String> lifecycle = c.query("lifecycle");
        if (lifecycle.filter(l -> !LIFECYCLES.contains(l)).isPresent()) {
            throw HttpProblem.invalid(
                    ErrorCode.REQUEST_INVALID, "lifecycle", "expected one of " + new java.util.TreeSet<>(LIFECYCLES));
        }
        Optional<String> text = c.query("text");
        if (text.filter(t -> t.length() > 128).isPresent()) {
            throw HttpProblem.invalid(ErrorCode.REQUEST_INVALID, "text", "expected at most 128 characters");
        }
        Map<String, String> tags = new LinkedHashMap<>();
        for (String tag : c.ctx().queryParams("tag")) {
            int equals = tag.indexOf('=');
            if (equals < 1 || tag.length() > 256 || tags.size() >= 32) {
                throw HttpProblem.invalid(ErrorCode.REQUEST_INVALID, "tag", "expected up to 32 of key=value");
            }
            tags.put(tag.substring(0, equals), tag.substring(equals + 1));
        }
        return InstanceFilter.builder()
                .lifecycle(lifecycle)
                .engine(c.query("engine").map(EngineId::new))
                .text(text)
                .tags(tags)
                .build();
    }
}
