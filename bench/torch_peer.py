"""Training steps, inference, products and convolutions by PyTorch; asked and answering as bench.h
says."""
import time
import warnings

import torch
from torch.nn import functional as F

from peer import NETS, THREADS, build, hopeless, race, serve

torch.set_num_threads(THREADS)
torch.set_num_interop_threads(1)
torch._dynamo.config.recompile_limit = 1000  # each case is compiled for its own shapes
torch.manual_seed(1)
warnings.simplefilter("ignore")

EPOCH = 60000


class Stepper:
    """A net with its optimiser; `run` is one step on batches that are tensors already."""

    def __init__(self, net, optimizer, batch, mode, samples, bf16=False):
        shape, classes = NETS[net][:2]
        self.model, self.at = build(net), 0
        last = torch.channels_last if mode.endswith("last") else torch.contiguous_format
        if len(shape) == 3:
            self.model = self.model.to(memory_format=last)
        self.x = torch.rand(samples, *shape) * 2 - 1
        self.t = torch.arange(samples) * 7919 % classes
        if classes == 1:
            self.t = torch.zeros(samples, 1)
        self.batch = batch
        self.batches = [
            (x.contiguous(memory_format=last) if x.dim() == 4 else x.contiguous(), t)
            for x, t in zip(self.x.split(batch), self.t.split(batch))]
        how = {"foreach": True} if mode in ("eager", "compile_all") else {"fused": True}
        parameters = self.model.parameters()
        self.optimizer = (torch.optim.Adam(parameters, lr=1e-4, **how) if optimizer == "adam" else
                          torch.optim.SGD(parameters, lr=1e-3, momentum=0.9, **how))
        model = self.model
        distance = F.mse_loss if classes == 1 else F.cross_entropy
        if bf16:
            def loss(x, t):
                with torch.autocast("cpu", torch.bfloat16):
                    y = model(x)
                return distance(y.float(), t)
        else:
            def loss(x, t):
                return distance(model(x), t)
        self.loss, self.update = loss, self.optimizer.step
        if mode.startswith("compile"):
            self.loss = torch.compile(self.loss, dynamic=False, fullgraph=True)
        if mode == "compile_all":
            self.update = torch.compile(self.optimizer.step, dynamic=False)
        if mode.startswith("compile"):
            begin = time.perf_counter()
            while self.at < 3 or (self.at < 30 and time.perf_counter() - begin < 1):
                self.run()

    def step(self, x, t):
        self.optimizer.zero_grad()
        self.loss(x, t).backward()
        self.update()

    def run(self):
        self.step(*self.batches[self.at % len(self.batches)])
        self.at += 1

    def epoch(self):
        order = torch.randperm(len(self.x))
        for i in order[:len(order) // self.batch * self.batch].split(self.batch):
            self.step(self.x[i], self.t[i])


kept = {}


def keep(key, make):
    """Makes things once; what turned out hopeless is let go."""
    for case, mode in hopeless:
        kept.pop((case, mode), None)
    if key not in kept:
        kept[key] = make()
    return kept[key]


def step(*words):
    net, optimizer, batch = words[:3]
    bf16, small = words[-1] == "bf16", net not in ("resnet18", "resnet18-64", "vgg", "resnet20")
    modes = ["fused", "compile"] + ["eager", "compile_all"] * (small and not bf16)
    if len(NETS[net][0]) == 3:
        modes += ["channels_last", "compile_last"]
    if bf16 and not small:  # compiling takes long, and the others were hopeless in f32
        modes = ["channels_last", "compile_last"]
    samples = 1024 if small else 256

    def way(mode):
        return lambda: keep((words, mode), lambda: Stepper(
            net, optimizer, int(batch), mode, samples, bf16)).run
    return race(words, [(mode, way(mode)) for mode in modes])


def epoch(net, optimizer, batch):
    answers = []
    for mode in "fused", "compile":
        s = keep((net, optimizer, batch, mode), lambda: Stepper(
            net, optimizer, int(batch), mode, EPOCH))
        w, c = time.perf_counter(), time.process_time()
        s.epoch()
        answers.append((mode, time.perf_counter() - w, time.process_time() - c))
    return answers


@torch.inference_mode()
def infer(*words):
    net, batch = words[0], int(words[1])
    shape = NETS[net][0]

    def prepare(mode):
        last = torch.channels_last if mode.endswith("last") else torch.contiguous_format
        form = {"memory_format": last} if len(shape) == 3 else {}
        model = build(net).eval().to(**form) if form else build(net).eval()
        x = torch.rand(batch, *shape).contiguous(**form)
        if mode.startswith("compile"):
            model = torch.compile(model, dynamic=False, fullgraph=True)
        if mode.startswith("jit"):
            model = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(model, x)))
        for _ in range(3):
            model(x)
        return lambda: model(x)

    def way(mode):
        return lambda: keep((words, mode), lambda: prepare(mode))
    modes = ["eager", "compile", "jit"]
    if len(shape) == 3:
        modes += ["channels_last", "compile_last", "jit_last"]
    return race(words, [(mode, way(mode)) for mode in modes])


@torch.no_grad()
def product(m, n, k, form, *words):
    m, n, k, dtype = int(m), int(n), int(k), torch.bfloat16 if "bf16" in words else torch.float32
    a = (torch.rand(k, m).t() if form[0] == "t" else torch.rand(m, k)).to(dtype)
    b = (torch.rand(n, k).t() if form[1] == "t" else torch.rand(k, n)).to(dtype)
    c = torch.empty(m, n, dtype=dtype)
    return race((m, n, k, form, words), [("mm", lambda: lambda: torch.mm(a, b, out=c))])


@torch.no_grad()
def conv(*words):
    n, h, c, f, k, stride, pad = map(int, words[:7])
    which, dtype = words[7], torch.bfloat16 if words[-1] == "bf16" else torch.float32
    groups = next((int(word[1:]) for word in words[8:] if word[0] == "g"), 1)

    def way(last):
        def random(*shape):
            return torch.rand(*shape).to(dtype).contiguous(memory_format=last)
        x, w = random(n, c, h, h), random(f, c // groups, k, k)
        if which == "forward":
            return lambda: F.conv2d(x, w, stride=stride, padding=pad, groups=groups)
        o = (h + 2 * pad - k) // stride + 1
        dy, mask = random(n, f, o, o), [which == "input", which == "weights", False]
        return lambda: torch.ops.aten.convolution_backward(
            dy, x, w, None, [stride] * 2, [pad] * 2, [1, 1], False, [0, 0], groups, mask)
    return race(words, [("channels_last", lambda: way(torch.channels_last)),
                        ("nchw", lambda: way(torch.contiguous_format))])


serve({"step": step, "epoch": epoch, "infer": infer, "product": product, "conv": conv})
