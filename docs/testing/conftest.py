import torch

pytest_plugins = ["testing_utils"]
torch.set_num_threads(1)          # tests run side by side; threads of tiny matrices only wait for each other


def pytest_addoption(parser):
    parser.addoption("--update-golden", action="store_true", help="write golden files instead of comparing with them")
