import Glibc
public import Support

extension Command {
    /// What a program said, and how it ended.
    public struct Output: Sendable {
        public var status: ExitStatus
        public var output: [UInt8]
        public var errors: [UInt8]
        /// More came than was kept.
        public var isTruncated: Bool

        public var text: String { String(decoding: output, as: UTF8.self) }
        public var errorText: String { String(decoding: errors, as: UTF8.self) }
    }

    /// Runs it to its end and collects both streams, `limit` bytes of each; what is beyond is read and
    /// dropped, so that the program never waits for us. What processes that it leaves behind say later is not
    /// waited for. Cancelling the task kills it, which is a fault with the code `unavailable`.
    public func run(limit: ByteCount = .mebibytes(1)) async throws(Fault) -> Output {
        let (child, output, errors) = try await startCapturing()
        var parts: [Int32: (bytes: [UInt8], isTruncated: Bool)] = [:]
        let status = await withTaskGroup { group -> Result<ExitStatus, Fault> in
            for stream in [output, errors] {
                group.addTask { (stream.number, await drain(stream, limit: Int(limit.bytes))) }
            }
            let status = await waitOrKill(child)
            group.cancelAll()
            for await (number, part) in group { parts[number] = part }
            return status
        }
        if Task.isCancelled {
            throw Fault(.unavailable, "\(executable) was cancelled", cause: CancellationError())
        }
        let (first, second) = (parts[output.number] ?? ([], false), parts[errors.number] ?? ([], false))
        return Output(
            status: try status.get(), output: first.bytes, errors: second.bytes,
            isTruncated: first.isTruncated || second.isTruncated)
    }

    /// Runs it to its end with what `producer` prints as its input, as `producer | self` does. What the producer says
    /// besides goes where its `errors` go. A producer that fails is a fault, unless this one has failed, or wanted no
    /// more.
    public func run(fedBy producer: Command, limit: ByteCount = .mebibytes(1)) async throws(Fault) -> Output {
        var (source, reader) = (producer, self)
        do {
            let (reading, writing) = try trying("cannot make a pipe") { () throws(Errno) in
                let pipe = try Descriptor.pipe()
                // Programs wait for their input.
                try system { fcntl(pipe.reading.number, F_SETFL, 0) }
                return pipe
            }
            (source.output, reader.input) = (.descriptor(writing), .descriptor(reading))
        }
        let child = try await source.start()
        // The pipe is theirs alone, or neither would hear of the other's end.
        source.output = .null
        let outcome: Result<Output, Fault>
        do throws(Fault) { outcome = .success(try await reader.run(limit: limit)) } catch {
            outcome = .failure(error)
            try child.send(.kill)
        }
        reader.input = .null
        let status = try await child.wait(isCancellable: false)
        let output = try outcome.get()
        guard output.status.isSuccess, !status.isSuccess, status != .signalled(Signal(SIGPIPE)) else { return output }
        throw Fault(.failed, "\(producer.executable) did not end well (\(status))")
    }

    /// Runs it to its end and hands on what it prints and complains of, in the order in which that comes and in parts of
    /// at most 16 KiB: a program that prints faster than the parts are taken waits. Cancelling the task kills it, as
    /// does whatever `take` throws.
    public func run(handingOn take: @Sendable ([UInt8]) async throws -> Void) async throws -> ExitStatus {
        let (child, output) = try await startJoined()
        var failure: (any Error)?
        do {
            while true {
                switch await EventThread.shared.readable(output) {
                case .readable: break
                case .cancelled: throw CancellationError()
                case .failed(let error): throw Fault(error, "cannot read what \(executable) prints")
                }
                let part = try output.read(upTo: 16 << 10)
                if part.isEmpty { break }
                try await take(part)
            }
        } catch {
            failure = error
            // It fails only when the child has ended, which is what it is for.
            try? child.send(.kill)
        }
        let status = await waitOrKill(child)
        if let failure { throw failure }
        return try status.get()
    }

    /// As ``startCapturing()``, with one pipe for both.
    private func startJoined() async throws(Fault) -> (ChildProcess, output: Descriptor) {
        let (reading, writing) = try trying("cannot make a pipe") { () throws(Errno) in try Descriptor.pipe() }
        var command = self
        command.output = .descriptor(writing)
        command.errors = .descriptor(writing)
        return (try await command.start(), reading)
    }

    /// The writing ends are the child's alone when this returns: the pipes end when it closes them.
    private func startCapturing() async throws(Fault) -> (
        ChildProcess, output: Descriptor, errors: Descriptor
    ) {
        let (output, errors) = try trying("cannot make a pipe") { () throws(Errno) in
            (try Descriptor.pipe(), try Descriptor.pipe())
        }
        var command = self
        command.output = .descriptor(output.writing)
        command.errors = .descriptor(errors.writing)
        return (try await command.start(), output.reading, errors.reading)
    }

    private func waitOrKill(_ child: ChildProcess) async -> Result<ExitStatus, Fault> {
        await withTaskCancellationHandler {
            do throws(Fault) {
                return .success(try await child.wait(isCancellable: false))
            } catch {
                return .failure(error)
            }
        } onCancel: {
            // It fails only when the child has ended, which is what it is for.
            try? child.send(.kill)
        }
    }

    /// Reads to the end of the stream or, once the task is cancelled, what is there by then.
    private func drain(_ stream: Descriptor, limit: Int) async -> (bytes: [UInt8], isTruncated: Bool) {
        var (bytes, isTruncated) = ([UInt8](), false)
        func take() -> Bool {
            guard let chunk = try? stream.read(upTo: 16 << 10), !chunk.isEmpty else { return false }
            let room = limit - bytes.count
            isTruncated = isTruncated || chunk.count > room
            bytes += chunk.prefix(room)
            return true
        }
        while await EventThread.shared.readable(stream) == .readable {
            guard take() else { break }
        }
        while take() {}
        return (bytes, isTruncated)
    }
}
