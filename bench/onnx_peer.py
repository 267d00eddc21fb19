"""Inference by ONNX Runtime, on the networks of peer.py as PyTorch exports them; asked and
answering as bench.h says."""
import logging
import os
import tempfile
import warnings

import numpy
import onnxruntime
import torch

from peer import NETS, THREADS, build, race, serve

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
torch.set_num_threads(1)
kept = {}


def session(net, batch):
    """A function that runs the net once on a batch."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = THREADS, 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "net.onnx")
        torch.onnx.export(build(net).eval(), (torch.rand(batch, *NETS[net][0]),), path,
                          input_names=["image"], dynamo=True, verbose=False)
        made = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    x = numpy.random.rand(batch, *NETS[net][0]).astype(numpy.float32)
    return lambda: made.run(None, {"image": x})


def infer(net, batch):
    def make():
        if (net, batch) not in kept:
            kept[net, batch] = session(net, int(batch))
        return kept[net, batch]
    return race((net, batch), [("session", make)])


serve({"infer": infer})
