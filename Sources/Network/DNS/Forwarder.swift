import Logging
import Support
import Wire

/// Asks other servers what the cluster does not know: one after the other, until one answers.
struct Forwarder: Sendable {
    let answers: QueryAnswers
    let upstreams: Upstreams
    /// What one server has to answer.
    let patience: Duration

    /// Questions under way at once.
    private static let mostUnderWay = 256

    /// Works off what is to be forwarded, until the task is cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            var underWay = 0
            for await question in answers.forwarded {
                if underWay == Self.mostUnderWay {
                    await group.next()
                    underWay -= 1
                }
                underWay += 1
                group.addTask { await forward(question) }
            }
            group.cancelAll()
        }
    }

    private func forward(_ question: QueryAnswers.Forwarded) async {
        if let alias = question.alias {
            await follow(alias.target, question)
        } else if let query = DNSPacket(question.query.bytes),
            let answer = await ask(query, overStream: question.query.isStream)
        {
            answers.deliver(answer, to: question)
        } else {
            answers.fail(question)
        }
    }

    /// Finds out about the target of an alias.
    private func follow(_ target: DNSName, _ question: QueryAnswers.Forwarded) async {
        guard let asked = question.message.questions.first else { return }
        var header = DNSHeader(id: 0)
        header.isRecursionDesired = true
        let message = DNSMessage(header: header, questions: [DNSQuestion(target, asked.type)], edns: EDNS())
        guard let query = DNSPacket(message.encode()), let answer = await ask(query, overStream: false),
            let found = try? DNSMessage(decoding: answer.bytes)
        else { return answers.fail(question) }
        let records = found.answers.map { record in
            var record = record
            record.ttl = min(record.ttl, DNSCache.longest)
            return record
        }
        answers.deliver(records, found.header.responseCode, to: question)
    }

    private func ask(_ query: DNSPacket, overStream: Bool) async -> DNSPacket? {
        var failed: DNSPacket?
        for server in upstreams.servers() where !Task.isCancelled {
            let answer = try? await DNSClient.ask(
                query, at: server, overStream: overStream, within: patience)
            switch answer?.responseCode {
            case nil: upstreams.failed(server)
            // It answers, but cannot help; another one may.
            case .serverFailure, .refused: failed = answer
            default: return answer
            }
        }
        return failed
    }
}
