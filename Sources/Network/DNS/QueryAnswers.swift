import Support
import Synchronization
import Wire

/// Answers queries: those about the cluster at once, the others from the cache, or by asking on.
final class QueryAnswers: DNSHandler {
    /// A query that must be asked elsewhere.
    struct Forwarded: Sendable {
        var query: DNSQuery
        var message: DNSMessage
        /// What is answered in any case, before what is found out: an alias, and its target.
        var alias: (records: [DNSRecord], target: DNSName)?
    }

    /// The largest datagram that passes everywhere unbroken (DNS flag day 2020).
    private static let largestDatagram = 1232
    /// Answers of other servers.
    private static let cached = 2048
    /// Queries that may wait to be forwarded; with more, the answer is a failure.
    private static let mostWaiting = 512

    private let zone: Mutex<DNSZone>
    private let cache = Mutex(DNSCache(capacity: cached))
    private let rotation = Atomic<Int>(0)
    private let start = ContinuousClock.now
    /// What ``Forwarder`` works off.
    let forwarded: AsyncStream<Forwarded>
    private let forwarding: AsyncStream<Forwarded>.Continuation

    init(_ zone: DNSZone) {
        self.zone = Mutex(zone)
        (forwarded, forwarding) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.mostWaiting))
    }

    /// Changes what is known about the cluster.
    func update(_ body: (inout DNSZone) -> Void) { zone.withLock { body(&$0) } }

    func answer(_ query: DNSQuery) -> [UInt8]? {
        guard let header = DNSHeader(decoding: query.bytes), !header.isResponse else { return nil }
        let message: DNSMessage
        do throws(DNSDecodingError) {
            message = try DNSMessage(decoding: query.bytes)
        } catch {
            return DNSMessage(header: header).reply(.formatError).encode(limit: 512)
        }
        guard header.opcode == 0 else { return encode(message.reply(.notImplemented), for: query, message) }
        guard message.questions.count == 1, let question = message.questions.first else {
            return encode(message.reply(.formatError), for: query, message)
        }
        guard (message.edns?.version ?? 0) == 0 else {
            return encode(message.reply(.badVersion), for: query, message)
        }
        return answer(question, message, query)
    }

    private func answer(_ question: DNSQuestion, _ message: DNSMessage, _ query: DNSQuery) -> [UInt8]? {
        let turn = rotation.add(1, ordering: .relaxed).oldValue & .max
        let answer = zone.withLock { $0.answer(question, rotation: turn) }
        var reply = message.reply(payloadSize: UInt16(Self.largestDatagram))
        reply.header.isAuthoritative = true
        reply.header.isRecursionAvailable = true
        switch answer {
        case .records(let records, let additional): (reply.answers, reply.additionals) = (records, additional)
        case .noRecords: reply.authorities = [zone.withLock(\.authority)]
        case .noSuchName:
            reply.header.responseCode = .noSuchName
            reply.authorities = [zone.withLock(\.authority)]
        case .alias(let records, let target):
            return forward(Forwarded(query: query, message: message, alias: (records, target)))
        case .elsewhere:
            if let cached = cached(query, message) { return cached }
            return forward(Forwarded(query: query, message: message))
        }
        return encode(reply, for: query, message)
    }

    private func cached(_ query: DNSQuery, _ message: DNSMessage) -> [UInt8]? {
        guard let packet = DNSPacket(query.bytes) else { return nil }
        let now = start.duration(to: .now)
        let answer = cache.withLock { $0.answer(to: packet, message, now: now) }
        guard let answer, query.isStream || answer.bytes.count <= limit(query, message) else { return nil }
        return answer.bytes
    }

    private func forward(_ question: Forwarded) -> [UInt8]? {
        guard case .dropped = forwarding.yield(question) else { return nil }
        return failure(question)
    }

    // MARK: What the forwarder hands back

    /// Passes an answer on, and keeps it.
    func deliver(_ answer: DNSPacket, to question: Forwarded) {
        guard let packet = DNSPacket(question.query.bytes), answer.asksTheSame(as: packet) else {
            return question.query.respond(failure(question))
        }
        var answer = answer
        answer.echoQuestion(of: packet)
        answer.limitTimesToLive(to: DNSCache.longest)
        let now = start.duration(to: .now)
        cache.withLock { $0.keep(answer, to: packet, question.message, now: now) }
        question.query.respond(answer.bytes)
    }

    /// Answers with an alias and what was found about its target.
    func deliver(_ records: [DNSRecord], _ code: DNSResponseCode, to question: Forwarded) {
        var reply = question.message.reply(code, payloadSize: UInt16(Self.largestDatagram))
        reply.header.isRecursionAvailable = true
        reply.answers = (question.alias?.records ?? []) + records
        question.query.respond(encode(reply, for: question.query, question.message))
    }

    func fail(_ question: Forwarded) { question.query.respond(failure(question)) }

    private func failure(_ question: Forwarded) -> [UInt8] {
        var reply = question.message.reply(.serverFailure)
        reply.header.isRecursionAvailable = true
        return encode(reply, for: question.query, question.message)
    }

    private func encode(_ reply: DNSMessage, for query: DNSQuery, _ message: DNSMessage) -> [UInt8] {
        reply.encode(limit: query.isStream ? 65_535 : limit(query, message))
    }

    private func limit(_ query: DNSQuery, _ message: DNSMessage) -> Int {
        min(message.datagramLimit, Self.largestDatagram)
    }
}
