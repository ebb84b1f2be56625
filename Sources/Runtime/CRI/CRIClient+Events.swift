public import Support
import Wire

extension CRIClient {
    /// Through containerd's own event service, on the same socket: every version of containerd has it, while
    /// the interface's `GetContainerEvents` came with 1.7. A runtime that is not containerd is asked for the
    /// latter.
    public func containerEvents(
        ready: @Sendable () async -> Void, _ body: @Sendable (ContainerEvent) async -> Void
    ) async throws(Fault) {
        let isContainerd = try await version().runtimeName == "containerd"
        do {
            if isContainerd {
                try await containerdEvents(ready: ready, body)
            } else {
                try await interfaceEvents(ready: ready, body)
            }
        } catch let fault as Fault {
            throw fault
        } catch {
            throw Fault("the runtime's events ended", GRPCStatus.of(error))
        }
        throw Fault(.unavailable, "the runtime's events ended")
    }

    private func containerdEvents(
        ready: @Sendable () async -> Void, _ body: @Sendable (ContainerEvent) async -> Void
    ) async throws {
        let request = SubscribeRequest(filters: ContainerdEvent.filters)
        try await grpc.serverStream(
            "/containerd.services.events.v1.Events/Subscribe", request.protobuf, metadata: .containerd
        ) { messages in
            try await waitForSubscription(&messages)
            await ready()
            while let bytes = try await messages.next() {
                guard let event = try ContainerdEvent.read(envelope: bytes) else { continue }
                await settle(event)
                await body(event)
            }
        }
    }

    /// A subscription has no first answer: publishes an event of our own until it comes back. What comes
    /// before it need not be told, since whoever calls looks at everything when we are ready.
    private func waitForSubscription(_ messages: inout GRPCMessages) async throws {
        try await withThrowingTaskGroup { group in
            group.addTask {
                var pause = Duration.milliseconds(2)
                while true {
                    let _: EmptyMessage = try await grpc.call(
                        "/containerd.services.events.v1.Events/Publish", PublishRequest.marker,
                        metadata: .containerd,
                        timeout: limits.request, "cannot publish an event")
                    try await Task.sleep(for: pause)
                    pause = min(pause * 2, .seconds(1))
                }
            }
            while let bytes = try await messages.next() {
                if try ContainerdEvent.isMarker(envelope: bytes) { break }
            }
            group.cancelAll()
        }
    }

    private func interfaceEvents(
        ready: @Sendable () async -> Void, _ body: @Sendable (ContainerEvent) async -> Void
    ) async throws {
        try await grpc.serverStream("/runtime.v1.RuntimeService/GetContainerEvents", []) { messages in
            // The interface has no first answer either; a later call that is answered is the best sign there
            // is.
            _ = try await version()
            await ready()
            while let bytes = try await messages.next() {
                if let event = try CRI.ContainerEventResponse(protobuf: bytes).event { await body(event) }
            }
        }
    }

    /// containerd tells everybody of an end at the same time, the CRI server in it included: waits until that
    /// one has taken note, so that whoever looks because of the event sees what it is about. Almost always
    /// the first or second look suffices; after ``Limits/settling`` the event is passed on as it is.
    private func settle(_ event: ContainerEvent) async {
        guard event.kind == .exited else { return }
        let start = ContinuousClock.now
        var pause = Duration.milliseconds(1)
        while ContinuousClock.now - start < limits.settling {
            if await hasSettled(event.id) { return }
            do { try await Task.sleep(for: pause) } catch { return }
            pause = min(pause * 2, .milliseconds(50))
        }
    }

    private func hasSettled(_ id: String) async -> Bool {
        do throws(Fault) {
            return try await containerStatus(id).state == .exited
        } catch where error.code == .notFound {
            // A sandbox, or a container that is gone already.
            return await hasSettled(sandbox: id)
        } catch {
            return true
        }
    }

    private func hasSettled(sandbox id: String) async -> Bool {
        guard let status = try? await podSandboxStatus(id) else { return true }
        return status.state == .notReady
    }
}

extension GRPCStatus {
    /// What a stream ended with.
    static func of(_ error: any Error) -> GRPCStatus {
        switch error {
        case let status as GRPCStatus: status
        case is CancellationError: GRPCStatus(.cancelled, "the caller gave up")
        default: GRPCStatus(.unknown, "\(error)")
        }
    }
}

extension CRI {
    struct ContainerEventResponse: ProtobufMessage {
        enum EventType: Int32 {
            case created = 0
            case started = 1
            case stopped = 2
            case deleted = 3
        }

        var containerID = ""
        var type = EventType.created

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.string(1, &containerID)
            fields.choice(2, &type)
        }

        var event: ContainerEvent? {
            guard !containerID.isEmpty else { return nil }
            let kind: ContainerEvent.Kind =
                switch type {
                case .created: .created
                case .started: .started
                case .stopped: .exited
                case .deleted: .deleted
                }
            return ContainerEvent(kind, containerID)
        }
    }
}
