import Support
import Synchronization
import Testing
import Wire

@testable import APIServer

/// Large documents are made by nobody's event loop, once for all, and not kept for nobody.
@Suite(.timeLimit(.minutes(5))) struct DocumentShelfTests {
    private static let text = Array(String(repeating: "text ", count: 1000).utf8)

    /// Counts how often it was made.
    private final class Kitchen: Sendable {
        let made = Atomic(0)

        func recipe(_ key: String, _ bytes: [UInt8] = text) -> DocumentRecipe {
            DocumentRecipe(key: key) {
                self.made.wrappingAdd(1, ordering: .relaxed)
                return bytes
            }
        }

        var count: Int { made.load(ordering: .relaxed) }
    }

    private func shelf(_ limits: DocumentShelf.Limits = DocumentShelf.Limits()) -> DocumentShelf {
        DocumentShelf(Workshop(), limits)
    }

    @Test func `a document is made once for all who ask, packed or not`() async {
        let (shelf, kitchen) = (shelf(), Kitchen())
        let recipe = kitchen.recipe("a")
        #expect(shelf.kept(recipe) == nil)
        await withTaskGroup { group in
            for number in 0..<20 {
                group.addTask {
                    let bytes = number % 2 == 0 ? await shelf.unpacked(recipe) : await shelf.packed(recipe)
                    #expect(number % 2 == 0 ? bytes == Self.text : bytes.count < 100)
                }
            }
        }
        #expect(kitchen.count == 1)
        #expect(shelf.kept(recipe).flatMap { GzipDecoder.unpack($0, limit: 1 << 20) } == Self.text)
        _ = await shelf.packed(kitchen.recipe("b"))
        #expect(kitchen.count == 2)
    }

    @Test func `what nobody asks for goes, the unused first when there is much`() async {
        var limits = DocumentShelf.Limits()
        limits.bytes = 2500
        var random = SystemRandomNumberGenerator()
        let noise = (0..<1000).map { _ in UInt8.random(in: 0...255, using: &random) }
        let (shelf, kitchen) = (shelf(limits), Kitchen())
        let recipes = ["a", "b", "c"].map { kitchen.recipe($0, noise) }
        for recipe in recipes.prefix(2) { _ = await shelf.packed(recipe) }
        #expect(shelf.kept(recipes[0]) != nil)
        _ = await shelf.packed(recipes[2])
        #expect(recipes.map { shelf.kept($0) != nil } == [true, false, true])
        #expect(shelf.clear(at: .now) != nil)
        #expect(shelf.clear(at: .now + limits.kept) == nil)
        #expect(recipes.allSatisfy { shelf.kept($0) == nil })
    }

    @Test func `a shelf empties itself`() async throws {
        var limits = DocumentShelf.Limits()
        limits.kept = .milliseconds(1)
        let (shelf, kitchen) = (shelf(limits), Kitchen())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await shelf.run() }
            for round in 1...2 {
                _ = await shelf.packed(kitchen.recipe("a"))
                #expect(kitchen.count == round)
                // As of long ago nothing is over: it only tells whether there is something.
                while shelf.clear(at: .now - .seconds(3600)) != nil {
                    try Task.checkCancellation()
                    await Task.yield()
                }
            }
            group.cancelAll()
        }
    }

    @Test func `what is no gzip, or too much of it, is not unpacked`() {
        var gzip = GzipEncoder()
        let packed = gzip.compress(Self.text, isLast: true)
        #expect(GzipDecoder.unpack(packed, limit: Self.text.count) == Self.text)
        #expect(GzipDecoder.unpack(packed, limit: Self.text.count - 1) == nil)
        #expect(GzipDecoder.unpack(Array(packed.dropLast(9)), limit: 1 << 20) == nil)
        #expect(GzipDecoder.unpack(Self.text, limit: 1 << 20) == nil)
    }

    @Test(arguments: ["/openapi/v2", "/openapi/v3/apis/apps/v1"])
    func `clients that take gzip get the same, and much less of it`(path: String) async throws {
        try await TestAPI.run { api in
            let tabs = try await CronTab(api)
            var tags: Set<String> = []
            func send(_ headers: HTTPHeaders) async throws -> [UInt8] {
                let answer = try await api.send(.get, path, token: tabs.token, headers: headers)
                #expect(answer.headers["Content-Encoding"] == headers["Accept-Encoding"])
                #expect(answer.headers.values(of: "Vary").joined(separator: ",").contains("Accept-Encoding"))
                tags.insert(answer.headers["ETag"] ?? "")
                return try await answer.body.collect(limit: 64 << 20)
            }
            let plain = try await send([:])
            for _ in 0..<2 {
                let packed = try await send(["Accept-Encoding": "gzip"])
                #expect(GzipDecoder.unpack(packed, limit: 64 << 20) == plain)
                #expect(packed.count < plain.count / 5)
            }
            #expect(tags.count == 1)
        }
    }
}
