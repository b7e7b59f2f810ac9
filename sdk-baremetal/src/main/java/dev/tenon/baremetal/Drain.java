package dev.tenon.baremetal;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.Instance;
import dev.tenon.api.InstanceFilter;
import dev.tenon.api.InstanceId;
import dev.tenon.api.InstanceView;
import dev.tenon.api.Member;
import dev.tenon.api.Operation;
import dev.tenon.api.OperationState;
import dev.tenon.api.Page;
import dev.tenon.api.PageRequest;
import dev.tenon.api.RequestKey;
import dev.tenon.api.TenantView;
import dev.tenon.api.Tenon;
import dev.tenon.api.TenonException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Moves the members of one host elsewhere through the control plane, as a person would: add a standby, let it take over if the member
 * is the primary, remove the member. Each of these is an operation that survives this process.
 */
final class Drain {
    private static final Logger log = LoggerFactory.getLogger(Drain.class);
    private static final int PAGE = 200;
    private static final int MOST_ATTEMPTS = 100;

    private final Tenon tenon;
    private final String delivery;
    private final String host;
    private final String mark;
    private final Duration patience;
    private final BooleanSupplier wanted;

    /**
     * @param mark differs between two times that the same host is drained
     * @param patience for one operation
     * @param wanted whether to go on
     */
    Drain(Tenon tenon, String delivery, String host, String mark, Duration patience, BooleanSupplier wanted) {
        this.tenon = tenon;
        this.delivery = delivery;
        this.host = host;
        this.mark = mark;
        this.patience = patience;
        this.wanted = wanted;
    }

    /** Moves what can be moved; returns why the other instances could not be. */
    Map<InstanceId, String> run() {
        Map<InstanceId, String> left = new HashMap<>();
        for (TenantView tenant : all(page -> tenon.tenants().list(page))) {
            for (InstanceView view :
                    all(page -> tenon.tenants().get(tenant.id()).instances().list(InstanceFilter.none(), page))) {
                if (view.delivery().equals(delivery)
                        && view.members().stream().anyMatch(this::here)
                        && wanted.getAsBoolean()) {
                    try {
                        empty(view);
                    } catch (TenonException e) {
                        log.warn("{} stays on the host {}: {}", view.id(), host, e.getMessage());
                        left.put(view.id(), String.valueOf(e.getMessage()));
                    }
                }
            }
        }
        return left;
    }

    private static <T> List<T> all(Function<PageRequest, Page<T>> list) {
        List<T> items = new ArrayList<>();
        Optional<String> cursor = Optional.empty();
        do {
            Page<T> page = list.apply(new PageRequest(PAGE, cursor));
            items.addAll(page.items());
            cursor = page.next();
        } while (cursor.isPresent());
        return items;
    }

    private boolean here(Member member) {
        return member.host().equals(Optional.of(host));
    }

    private void empty(InstanceView view) {
        List<Member> leaving =
                new ArrayList<>(view.members().stream().filter(this::here).toList());
        // The primary is the first of them and leaves last.
        Collections.reverse(leaving);
        for (Member member : leaving) {
            String step = mark + "/" + view.id() + "/" + member.name() + "/";
            once(view, step + "add", Instance::addStandby);
            Supplier<List<Member>> members = () -> instance(tenon, view).view().members();
            if (members.get().get(0).name().equals(member.name())) {
                Member next = members.get().stream()
                        .skip(1)
                        .filter(other -> !here(other))
                        .findFirst()
                        .orElseThrow(() -> new IllegalStateException("a standby was added to " + view.id()));
                once(view, step + "switch", instance -> instance.switchover(next.name()));
            }
            if (members.get().stream().anyMatch(m -> m.name().equals(member.name()) && here(m))) {
                once(view, step + "remove", instance -> instance.removeStandby(member.name()));
            }
        }
    }

    /** Carries an operation out once, however often the host is drained until it is empty; one that failed is begun anew. */
    private void once(InstanceView view, String step, Function<Instance, Operation<Instance>> change) {
        for (int attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
            RequestKey key = new RequestKey("drain/" + host + "/" + step + "/" + attempt, "drain");
            Operation<Instance> operation = change.apply(instance(tenon.under(key), view));
            OperationState state = operation.view().state();
            if (!state.done() || state == OperationState.SUCCEEDED) {
                if (state == OperationState.PARKED) {
                    operation.retry();
                }
                operation.await(patience);
                return;
            }
        }
        throw Failures.of(ErrorCode.PROVIDER_FAILED, "it failed " + MOST_ATTEMPTS + " times: " + step);
    }

    private static Instance instance(Tenon tenon, InstanceView view) {
        return tenon.tenants().get(view.tenant()).instances().get(view.id());
    }
}
