package com.wms.orders.client;

import com.wms.orders.v1.Event;
import com.wms.orders.v1.OrderServiceGrpc;
import com.wms.orders.v1.WatchOrdersRequest;
import com.wms.orders.v1.WatchOrdersResponse;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/**
 * A watch that goes on by itself: after a break behind the last position that was seen, with growing waits between
 * attempts that bring nothing.
 */
public final class OrderWatch {
    /** The server sends a sign of life every few seconds; after so long without any the stream counts as broken. */
    private static final Duration SILENCE = Duration.ofSeconds(30);

    private static final Status SILENT = Status.UNAVAILABLE.withDescription("Nothing was heard for too long");

    private final Channel channel;
    private final ServiceConfig.Backoff backoff = ServiceConfig.backoff();

    /** A watch on a channel, which may carry headers of the caller's. */
    public OrderWatch(Channel channel) {
        this.channel = channel;
    }

    /**
     * Give events, each once and in order, until the consumer says false.
     *
     * @throws io.grpc.StatusRuntimeException for what another attempt would not mend, such as POSITION_NOT_KEPT
     * @throws InterruptedException when the thread is interrupted, which ends the watch
     */
    public void watch(WatchOrdersRequest request, Predicate<Event> consumer) throws InterruptedException {
        WatchOrdersRequest.Builder wanted = request.toBuilder();
        for (int failures = 1; ; failures++) {
            Stream stream = new Stream(wanted.build());
            try {
                Ended ended;
                while (true) {
                    Object next = stream.next();
                    if (next instanceof Ended end) {
                        ended = end;
                        break;
                    }
                    failures = 0;
                    WatchOrdersResponse message = (WatchOrdersResponse) next;
                    if (message.hasEvent()) {
                        wanted.setPosition(message.getEvent().getPosition());
                        if (!consumer.test(message.getEvent())) {
                            return;
                        }
                    } else {
                        wanted.setPosition(message.getHeartbeat().getPosition());
                    }
                }
                if (!ended.resumed()) {
                    throw ended.status.asRuntimeException(ended.trailers);
                }
            } finally {
                stream.leave();
            }
            Thread.sleep(backoff.before(Math.max(1, failures)).toMillis());
        }
    }

    /** How a stream ended. */
    private record Ended(Status status, Metadata trailers) {
        /** Whether all is well again from the last position on: the server was away, or this watcher slow. */
        boolean resumed() {
            return switch (status.getCode()) {
                case OK, UNAVAILABLE, RESOURCE_EXHAUSTED -> true;
                default -> false;
            };
        }
    }

    /** One stream; a message is asked for when the one before has been taken. */
    private final class Stream extends ClientCall.Listener<WatchOrdersResponse> {
        private final BlockingQueue<Object> told = new LinkedBlockingQueue<>();
        private final ClientCall<WatchOrdersRequest, WatchOrdersResponse> call =
                channel.newCall(OrderServiceGrpc.getWatchOrdersMethod(), CallOptions.DEFAULT);

        Stream(WatchOrdersRequest request) {
            call.start(this, new Metadata());
            call.sendMessage(request);
            call.halfClose();
        }

        Object next() throws InterruptedException {
            call.request(1);
            Object next = told.poll(SILENCE.toMillis(), TimeUnit.MILLISECONDS);
            return next == null ? new Ended(SILENT, new Metadata()) : next;
        }

        void leave() {
            call.cancel("left", null);
        }

        @Override
        public void onMessage(WatchOrdersResponse message) {
            told.add(message);
        }

        @Override
        public void onClose(Status status, Metadata trailers) {
            told.add(new Ended(status, trailers));
        }
    }
}
