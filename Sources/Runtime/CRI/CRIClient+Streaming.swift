public import Support

extension CRIClient {
    public func execSync(
        _ id: String, _ command: [String], timeout: Duration?
    ) async throws(Fault) -> CRI.ExecSyncResponse {
        // The runtime keeps the time itself; the call is given a little more, so that its answer is the one
        // that counts.
        try await call(
            .runtime("ExecSync"),
            ExecSyncRequest(id: id, command: command, timeout: timeout?.wholeSeconds ?? 0),
            timeout: timeout.map { $0 + limits.request },
            "cannot run \(command.first ?? "nothing") in the container \(id)")
    }

    public func exec(
        _ id: String, _ command: [String], _ streams: CRI.Streams
    ) async throws(Fault) -> String {
        let answer: IDRequest = try await call(
            .runtime("Exec"), ExecRequest(id: id, command: command, streams: streams),
            timeout: limits.request,
            "cannot run \(command.first ?? "nothing") in the container \(id)")
        return answer.id
    }

    public func attach(_ id: String, _ streams: CRI.Streams) async throws(Fault) -> String {
        let answer: IDRequest = try await call(
            .runtime("Attach"), AttachRequest(id: id, streams: streams), timeout: limits.request,
            "cannot attach to the container \(id)")
        return answer.id
    }

    public func portForward(_ sandbox: String) async throws(Fault) -> String {
        let answer: IDRequest = try await call(
            .runtime("PortForward"), IDRequest(sandbox), timeout: limits.request,
            "cannot forward ports of the sandbox \(sandbox)")
        return answer.id
    }
}

extension Duration {
    /// Whole seconds, rounded up: half a second of grace is not none.
    var wholeSeconds: Int64 { components.seconds + (components.attoseconds > 0 ? 1 : 0) }
}

struct ExecSyncRequest: ProtobufMessage {
    var id = ""
    var command: [String] = []
    /// Seconds; 0 for no limit.
    var timeout: Int64 = 0

    mutating func visit<F: ProtobufFields>(_ fields: inout F) {
        fields.string(1, &id)
        fields.strings(2, &command)
        fields.integer(3, &timeout)
    }
}

struct ExecRequest: ProtobufMessage {
    var id = ""
    var command: [String] = []
    var streams = CRI.Streams()

    mutating func visit<F: ProtobufFields>(_ fields: inout F) {
        fields.string(1, &id)
        fields.strings(2, &command)
        fields.bool(3, &streams.isTerminal)
        fields.bool(4, &streams.stdin)
        fields.bool(5, &streams.stdout)
        fields.bool(6, &streams.stderr)
    }
}

struct AttachRequest: ProtobufMessage {
    var id = ""
    var streams = CRI.Streams()

    // The terminal comes after the input here, unlike in ExecRequest.
    mutating func visit<F: ProtobufFields>(_ fields: inout F) {
        fields.string(1, &id)
        fields.bool(2, &streams.stdin)
        fields.bool(3, &streams.isTerminal)
        fields.bool(4, &streams.stdout)
        fields.bool(5, &streams.stderr)
    }
}
